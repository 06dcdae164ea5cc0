/** Models and model cards by SHA-256: for devices with their credential, for people with the admin token. */
import { statSync } from 'node:fs';
import { Hono } from 'hono';
import type { FleetAdmin } from '../fleet/fleet-admin.ts';
import type { BlobStore } from '../study/context/blob-store.ts';
import { fileAnswer } from './file-answer.ts';
import { deviceOf, hasAdminToken } from './guard.ts';
import { HttpProblem } from './problem.ts';

export function blobRoutes({
  blobs,
  fleet,
  adminToken,
}: {
  blobs: BlobStore;
  fleet: FleetAdmin;
  adminToken: string | undefined;
}): Hono {
  return new Hono().get('/:sha256', (c) => {
    const authorization = c.req.header('authorization');
    if (adminToken !== undefined && !deviceOf(authorization, fleet) && !hasAdminToken(authorization, adminToken)) {
      throw new HttpProblem(401, 'a model is given to devices of the fleet and to holders of the admin token only');
    }
    const { sha256 } = c.req.param();
    const path = /^[0-9a-f]{64}$/.test(sha256) ? blobs.path(sha256) : null;
    if (path === null)
      throw new HttpProblem(
        404,
        `there is no blob ${sha256}`,
        'it may have been cleaned up: the models of finished studies are kept only where they were recommended',
      );
    const { size } = statSync(path);
    const range = parseRange(c.req.header('range'), size);
    if (range === 'unsatisfiable') return c.body(null, 416, { 'content-range': `bytes */${size}` });
    const { start, end } = range ?? { start: 0, end: size - 1 };
    const name = c.req.query('name')?.replaceAll(/[^\w.-]+/g, '-');
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
