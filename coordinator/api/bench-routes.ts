/** Routes of `edgetune bench`: bodies as in shared/protocol/bench.ts. */
import {
  type BenchView,
  benchListSchema,
  benchModelSchema,
  benchRequestSchema,
  benchViewSchema,
} from '@edgetune/shared/protocol/bench.ts';
import { z } from 'zod';
import type { BenchService } from '../bench/create-bench-service.ts';
import { HttpProblem } from './problem.ts';
import { bytes, declared, json, jsonBody, NOTHING, type Routes } from './routes.ts';

const params = z.object({ id: z.string() });

export function benchRoutes(routes: Routes, { bench }: { bench: BenchService }): void {
  const found = (view: BenchView | null, id: string): BenchView => {
    if (view) return view;
    throw new HttpProblem(404, `there is no bench "${id}"`, 'GET /api/bench lists them');
  };
  routes.openapi(
    declared({
      method: 'post',
      path: '/api/bench/models',
      summary: 'Upload an ONNX model to bench: the file as the body',
      request: { body: { ...bytes('application/octet-stream', 'The ONNX file as it is'), required: true } },
      responses: { 201: json(benchModelSchema) },
    }),
    async (c) => {
      const onnx = new Uint8Array(await c.req.arrayBuffer());
      if (onnx.length === 0) throw new HttpProblem(400, 'the body is empty: send the ONNX file as it is');
      return c.json(await bench.accept(onnx), 201);
    },
  );
  routes.openapi(
    declared({
      method: 'post',
      path: '/api/bench',
      summary: 'Find the best way to run a model on devices',
      request: { body: jsonBody(benchRequestSchema) },
      responses: { 201: json(benchViewSchema) },
    }),
    async (c) => c.json(await bench.start(c.req.valid('json')), 201),
  );
  routes.openapi(
    declared({
      method: 'get',
      path: '/api/bench',
      summary: 'All benches, newest first',
      responses: { 200: json(benchListSchema) },
    }),
    (c) => c.json({ benches: bench.list() }, 200),
  );
  routes.openapi(
    declared({
      method: 'get',
      path: '/api/bench/{id}',
      summary: 'A bench: what was measured, what is recommended',
      request: { params },
      responses: { 200: json(benchViewSchema) },
    }),
    (c) => {
      const { id } = c.req.valid('param');
      return c.json(found(bench.find(id), id), 200);
    },
  );
  routes.openapi(
    declared({
      method: 'post',
      path: '/api/bench/{id}/cancel',
      summary: 'Cancel a bench',
      request: { params },
      responses: { 200: json(benchViewSchema) },
    }),
    (c) => {
      const { id } = c.req.valid('param');
      return c.json(found(bench.cancel(id), id), 200);
    },
  );
  routes.openapi(
    declared({
      method: 'delete',
      path: '/api/bench/{id}',
      summary: 'Forget a bench that has ended',
      request: { params },
      responses: { 204: NOTHING },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const { state } = found(bench.find(id), id);
      if (state === 'running') throw new HttpProblem(409, 'the bench is running: cancel it first');
      await bench.remove(id);
      return c.body(null, 204);
    },
  );
}
