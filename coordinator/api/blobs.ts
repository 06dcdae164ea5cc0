/** Models and model cards by SHA-256: for devices with their credential, for people with the admin token. */
import { statSync } from 'node:fs';
import { sha256Schema } from '@edgetune/shared/domain/measurement.ts';
import { z } from 'zod';
import type { FleetAdmin } from '../fleet/fleet-admin.ts';
import type { BlobStore } from '../study/context/blob-store.ts';
import { fileAnswer } from './file-answer.ts';
import { deviceOf, hasAdminToken } from './guard.ts';
import { HttpProblem } from './problem.ts';
import { bytes, declared, type Routes } from './routes.ts';

const blobRoute = declared({
  method: 'get',
  path: '/api/blobs/{sha256}',
  summary: 'A model or model card: for devices with their credential, for people with the admin token',
  request: {
    params: z.object({ sha256: sha256Schema }),
    query: z.object({ name: z.string().optional().describe('What a browser shall call the file') }),
    headers: z.object({ range: z.string().optional().describe('One range of bytes, so that a download can go on') }),
  },
  responses: {
    200: bytes('application/octet-stream', 'The whole file'),
    206: bytes('application/octet-stream', 'The range that was asked for'),
    416: { description: 'The file has no such range' },
  },
});

export function blobRoutes(
  routes: Routes,
  { blobs, fleet, adminToken }: { blobs: BlobStore; fleet: FleetAdmin; adminToken: string | undefined },
): void {
  routes.openapi(blobRoute, (c) => {
    const authorization = c.req.header('authorization');
    if (adminToken !== undefined && !deviceOf(authorization, fleet) && !hasAdminToken(authorization, adminToken)) {
      throw new HttpProblem(401, 'a model is given to devices of the fleet and to holders of the admin token only');
    }
    const { sha256 } = c.req.valid('param');
    const path = blobs.path(sha256);
    if (path === null)
      throw new HttpProblem(
        404,
        `there is no blob ${sha256}`,
        'it may have been cleaned up: the models of finished studies are kept only where they were recommended',
      );
    const { size } = statSync(path);
    const range = parseRange(c.req.valid('header').range, size);
    if (range === 'unsatisfiable') return c.body(null, 416, { 'content-range': `bytes */${size}` });
    const { start, end } = range ?? { start: 0, end: size - 1 };
    const name = c.req.valid('query').name?.replaceAll(/[^\w.-]+/g, '-');
    const headers: Record<string, string> = {
      'content-type': 'application/octet-stream',
      'content-length': String(end - start + 1),
      'accept-ranges': 'bytes',
      etag: `"${sha256}"`,
      ...(range ? { 'content-range': `bytes ${start}-${end}/${size}` } : {}),
      ...(name ? { 'content-disposition': `attachment; filename="${name}"` } : {}),
    };
    return fileAnswer(c, path, { status: range ? 206 : 200, headers, range: { start, end } });
  });
}

/** One range of bytes (RFC 9110, 14.1.2); null: the whole file. */
function parseRange(header: string | undefined, size: number): { start: number; end: number } | 'unsatisfiable' | null {
  const match = /^bytes=(\d+)-(\d*)$/.exec(header ?? '');
  if (!match) return null;
  const start = Number(match[1]);
  const end = match[2] === '' ? size - 1 : Math.min(size - 1, Number(match[2]));
  return start > end ? 'unsatisfiable' : { start, end };
}
