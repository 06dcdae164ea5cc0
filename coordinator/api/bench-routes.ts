/** Routes of `edgetune bench`: bodies as in shared/protocol/bench.ts. */

import { type BenchView, benchRequestSchema } from '@edgetune/shared/protocol/bench.ts';
import { Hono } from 'hono';
import type { BenchService } from '../bench/create-bench-service.ts';
import { HttpProblem, orRefuse, readJson } from './problem.ts';

export function benchRoutes({ bench }: { bench: BenchService }): Hono {
  const routes = new Hono();
  routes.post('/models', async (c) => {
    const onnx = new Uint8Array(await c.req.arrayBuffer());
    if (onnx.length === 0) throw new HttpProblem(400, 'the body is empty: send the ONNX file as it is');
    return c.json(await orRefuse(bench.accept(onnx)), 201);
  });
  routes.post('/', async (c) => {
    const request = benchRequestSchema.parse(await readJson(c));
    return c.json(await orRefuse(bench.start(request)), 201);
  });
  routes.get('/', (c) => c.json({ benches: bench.list() }));
  const found = (view: BenchView | null, id: string): BenchView => {
    if (view) return view;
    throw new HttpProblem(404, `there is no bench "${id}"`, 'GET /api/bench lists them');
  };
  routes.get('/:id', (c) => c.json(found(bench.find(c.req.param('id')), c.req.param('id'))));
  routes.post('/:id/cancel', (c) => c.json(found(bench.cancel(c.req.param('id')), c.req.param('id'))));
  routes.delete('/:id', (c) => {
    const { id, state } = found(bench.find(c.req.param('id')), c.req.param('id'));
    if (state === 'running') throw new HttpProblem(409, 'the bench is running: cancel it first');
    bench.remove(id);
    return c.body(null, 204);
  });
  return routes;
}
