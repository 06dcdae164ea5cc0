/** What is answered where nothing is: the path that nobody serves, or the method that nobody takes there. */
import type { Problem } from '@edgetune/shared/protocol/http.ts';
import type { Context, Hono } from 'hono';

const METHODS = ['GET', 'POST', 'PATCH', 'DELETE'];

/** Methods that routes take at this path, HEAD with GET (RFC 9110, section 9.1). The dashboard's route, for any path, is none. */
function methodsAt(app: Hono, path: string): string[] {
  const taken = METHODS.filter((method) =>
    app.router.match(method, path)[0].some(([[, route]]) => route.method === method && route.path !== '/*'),
  );
  return taken.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
}

export function answerNotFound(app: Hono, context: Context): Response {
  const { method, path } = context.req;
  const allowed = methodsAt(app, path);
  if (allowed.length > 0 && !allowed.includes(method)) {
    const problem: Problem = { error: `${path} does not take ${method}`, hint: `it takes ${allowed.join(', ')}` };
    return context.json(problem, 405, { allow: allowed.join(', ') });
  }
  const problem: Problem = {
    error: `there is no ${method} ${path}`,
    hint: 'GET /api/openapi.json lists what there is',
  };
  return context.json(problem, 404);
}
