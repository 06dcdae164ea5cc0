/** The OpenAPI document of all declared routes. */
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { BlankEnv } from 'hono/types';
import { z } from 'zod';
import { declared, json } from './routes.ts';

/** Describes what `app` has been given, and its own route. */
export function serveOpenApi(app: OpenAPIHono<BlankEnv>, version: string): void {
  app.openAPIRegistry.registerComponent('securitySchemes', 'adminToken', { type: 'http', scheme: 'bearer' });
  let document: object | null = null;
  app.openapi(
    declared({
      method: 'get',
      path: '/api/openapi.json',
      summary: 'This document',
      responses: { 200: json(z.looseObject({ openapi: z.string() })) },
    }),
    (c) => {
      document ??= app.getOpenAPI31Document({
        openapi: '3.1.0',
        info: { title: 'EdgeTune', version, license: { name: 'Apache-2.0' } },
        security: [{ adminToken: [] }],
      });
      return c.json(document as { openapi: string }, 200);
    },
  );
}
