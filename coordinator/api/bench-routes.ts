/** Routes of `edgetune bench`: bodies as in shared/protocol/bench.ts. */

import { OnnxError } from '@edgetune/shared/onnx/onnx-error.ts';
import { type BenchView, benchRequestSchema } from '@edgetune/shared/protocol/bench.ts';
import { Hono } from 'hono';
import { BenchInputError, type BenchService } from '../inference/create-bench-service.ts';
import type { BlobStore } from '../study/blob-store.ts';
import { HttpProblem } from './problem.ts';

export function benchRoutes({ bench, blobs }: { bench: BenchService; blobs: BlobStore }): Hono {
  const routes = new Hono();
  routes.post('/models', async (c) => {
    const onnx = new Uint8Array(await c.req.arrayBuffer());
    if (onnx.length === 0) throw new HttpProblem(400, 'the body is empty: send the ONNX file as it is');
    return c.json({ modelSha256: await blobs.put(onnx), modelBytes: onnx.length }, 201);
  });
  routes.post('/', async (c) => {
    const body: unknown = await c.req.json().catch(() => {
      throw new HttpProblem(400, 'the body of the request is not JSON');
    });
    const request = benchRequestSchema.parse(body);
    try {
      return c.json(await bench.start(request), 201);
    } catch (error) {
      if (error instanceof BenchInputError || error instanceof OnnxError) throw new HttpProblem(400, error.message);
      throw error;
    }
  });
  const found = (view: BenchView | null, id: string): BenchView => {
    if (view) return view;
    throw new HttpProblem(404, `there is no bench "${id}"`, 'benches are kept until the coordinator ends');
  };
  routes.get('/:id', (c) => c.json(found(bench.find(c.req.param('id')), c.req.param('id'))));
  routes.delete('/:id', (c) => c.json(found(bench.cancel(c.req.param('id')), c.req.param('id'))));
  return routes;
}
