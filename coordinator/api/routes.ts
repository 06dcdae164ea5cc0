/**
 * How a route comes to be: with what it takes and what it answers. Routing, the parsing of what comes in and the
 * OpenAPI document are made of that one declaration, so that there is no route that is not described.
 */
import { problemSchema } from '@edgetune/shared/protocol/http.ts';
import { createRoute, type OpenAPIHono, type RouteConfig } from '@hono/zod-openapi';
import type { MiddlewareHandler } from 'hono';
import type { BlankEnv } from 'hono/types';
import type { z } from 'zod';
import { needsAdminToken } from './guard.ts';

/** Where routes are added. The application has other ways to add one; who declares routes is not given them. */
export type Routes = Pick<OpenAPIHono<BlankEnv>, 'openapi'>;

/**
 * A route for `Routes.openapi`. A body declared by `jsonBody`, the path and the query are parsed before the handler,
 * which has them by `c.req.valid`. Whether the admin token is asked for is the guard's to say.
 */
export function declared<
  Path extends string,
  Route extends Omit<RouteConfig, 'path' | 'middleware' | 'security'> & { path: Path; summary: string },
>(route: Route) {
  const takesJson = 'application/json' in (route.request?.body?.content ?? {});
  const whole = {
    ...route,
    ...(takesJson ? { middleware: anyBodyIsJson } : {}),
    ...(needsAdminToken(route.path) ? {} : { security: [] }),
    responses: { ...route.responses, default: PROBLEM },
  };
  // To the compiler it stays what was declared: handlers answer that and nothing else; problems are thrown.
  return createRoute<Path, Route>(whole);
}

const PROBLEM = {
  description: 'What was wrong and what to do',
  content: { 'application/json': { schema: problemSchema } },
};

/** What a client calls its body is not asked for: `curl -d` calls all that it sends a form, and means JSON. */
const anyBodyIsJson: MiddlewareHandler = async (context, next) => {
  context.req.raw.headers.set('content-type', 'application/json');
  await next();
};

export function jsonBody<Schema extends z.ZodType>(schema: Schema) {
  return { required: true, content: { 'application/json': { schema } } } as const;
}

/** The answer of a route, or one of its answers. */
export function json<Schema extends z.ZodType>(schema: Schema, description = 'Done') {
  return { description, content: { 'application/json': { schema } } } as const;
}

export function bytes<Media extends string>(media: Media, description: string) {
  const schema = { type: 'string', format: 'binary' } as const;
  return { description, content: { [media]: { schema } } as Record<Media, { schema: typeof schema }> };
}

export const NOTHING = { description: 'Done; the answer has no body' } as const;
