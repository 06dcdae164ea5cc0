/** Routes of `edgetune bench`: bodies as in shared/protocol/bench.ts. */

import { OnnxError } from '@edgetune/shared/onnx/onnx-error.ts';
import { type BenchView, benchRequestSchema } from '@edgetune/shared/protocol/bench.ts';
import { Hono } from 'hono';
import { BenchInputError, type BenchService } from '../inference/create-bench-service.ts';
import { HttpProblem } from './problem.ts';

export function benchRoutes({ bench }: { bench: BenchService }): Hono {
  const routes = new Hono();
  routes.post('/models', async (c) => {
    const onnx = new Uint8Array(await c.req.arrayBuffer());
    if (onnx.length === 0) throw new HttpProblem(400, 'the body is empty: send the ONNX file as it is');
    return c.json(await orRefuse(bench.accept(onnx)), 201);
  });
  routes.post('/', async (c) => {
    const body: unknown = await c.req.json().catch(() => {
      throw new HttpProblem(400, 'the body of the request is not JSON');
    });
    const request = benchRequestSchema.parse(body);
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

/** What is wrong with a model or a request is the client's to mend. */
async function orRefuse<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof BenchInputError || error instanceof OnnxError) throw new HttpProblem(400, error.message);
    throw error;
  }
}
