/** Who may ask: Host and Origin are checked (DNS rebinding, cross-site requests), then the admin token, where one is set. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import type { FleetAdmin } from '../fleet/fleet-admin.ts';
import { HttpProblem } from './problem.ts';

export interface GuardOptions {
  /** Host names under which the coordinator may be addressed, without port. */
  hostNames: readonly string[];
  adminToken: string | undefined;
}

/** Routes that answer without the admin token: they check a token or credential of their own, or tell nothing. */
const OPEN_ROUTES = [
  /^\/api\/health$/,
  /^\/api\/enroll$/,
  /^\/api\/enroll\/removals\/[^/]+$/,
  /^\/api\/blobs\//,
  /^\/api\/openapi\.json$/,
  /^\/api\/schemas\//,
];

/** Whether this path asks for the admin token, where one is set. */
export function needsAdminToken(path: string): boolean {
  return path.startsWith('/api/') && !OPEN_ROUTES.some((route) => route.test(path));
}

export function guard({ hostNames, adminToken }: GuardOptions): MiddlewareHandler {
  return async (context, next) => {
    const host = hostNameOf(context.req.header('host'));
    if (!isAllowedHost(host, hostNames)) {
      throw new HttpProblem(
        421,
        `this coordinator is not called "${host}"`,
        'start it with --public-url if it shall answer to that name',
      );
    }
    const origin = context.req.header('origin');
    if (origin !== undefined && originHost(origin) !== context.req.header('host')) {
      throw new HttpProblem(403, `requests from pages of ${origin} are not allowed`);
    }
    const { path } = context.req;
    if (
      adminToken !== undefined &&
      needsAdminToken(path) &&
      !hasAdminToken(context.req.header('authorization'), adminToken)
    ) {
      throw new HttpProblem(
        401,
        'the admin token is missing or wrong',
        'send it as "Authorization: Bearer TOKEN"; on the command line: --token or EDGETUNE_TOKEN',
      );
    }
    await next();
  };
}

/** The device whose credential this is; null: it is none, or void. */
export function deviceOf(
  authorization: string | undefined,
  fleet: Pick<FleetAdmin, 'verifyCredential'>,
): string | null {
  const [, deviceId, credential] = /^Bearer (d-[^:]+):(.+)$/.exec(authorization ?? '') ?? [];
  return deviceId && credential && fleet.verifyCredential(deviceId, credential) ? deviceId : null;
}

/** Compares in constant time. */
export function hasAdminToken(authorization: string | undefined, adminToken: string): boolean {
  const given = /^Bearer (.+)$/.exec(authorization ?? '')?.[1] ?? '';
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(adminToken));
}

function isAllowedHost(host: string, hostNames: readonly string[]): boolean {
  // An address is not a name: a page of another site cannot have it as its own.
  return hostNames.includes(host) || host === 'localhost' || /^\d+\.\d+\.\d+\.\d+$/.test(host) || host.startsWith('[');
}

function hostNameOf(header: string | undefined): string {
  return (header ?? '').replace(/:\d+$/, '').toLowerCase();
}

function originHost(origin: string): string | null {
  try {
    return new URL(origin).host;
  } catch {
    return null;
  }
}
