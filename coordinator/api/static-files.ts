/** The dashboard's files. */
import { existsSync, readFileSync } from 'node:fs';
import { extname, join, normalize } from 'node:path';
import type { Hono } from 'hono';
import { HttpProblem } from './problem.ts';

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
  '.map': 'application/json',
  '.ico': 'image/x-icon',
};

export function serveDashboard(app: Hono, options: { dashboardDirectory: string }): void {
  app.get('*', (c) => {
    const relative = normalize(decodePath(c.req.path)).replace(/^\/+/, '') || 'index.html';
    const path = join(options.dashboardDirectory, relative);
    if (relative.startsWith('..') || c.req.path.startsWith('/api/') || !existsSync(path) || extname(path) === '') {
      if (relative === 'index.html')
        throw new HttpProblem(
          404,
          'the dashboard is not built here',
          'run "npm run build" in the checkout of the coordinator',
        );
      return c.notFound();
    }
    const immutable = relative.startsWith('assets/') ? 'public, max-age=31536000, immutable' : 'no-cache';
    return c.body(readFileSync(path), 200, {
      'content-type': TYPES[extname(path)] ?? 'application/octet-stream',
      'cache-control': immutable,
    });
  });
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw new HttpProblem(400, `${path} is no path: a % is not followed by two hexadecimal digits of UTF-8`);
  }
}
