/** Routes of `edgetune bench`: bodies as in shared/protocol/bench.ts. */
import {
  type BenchView,
  benchListSchema,
  benchModelSchema,
  benchRequestSchema,
  benchViewSchema,
} from '@edgetune/shared/protocol/bench.ts';
import type { HonoRequest } from 'hono';
import { z } from 'zod';
import type { BenchService, DataFileSent } from '../bench/create-bench-service.ts';
import { HttpProblem } from './problem.ts';
import { bytes, declared, json, jsonBody, NOTHING, type Routes } from './routes.ts';

const params = z.object({ id: z.string() });

/** The fields of the form in which a model and the files that it keeps its weights in are sent together. */
const [MODEL_FIELD, DATA_FIELD] = ['model', 'data'];
const uploadBody = {
  required: true,
  content: {
    ...bytes('application/octet-stream', 'The ONNX file as it is').content,
    'multipart/form-data': {
      schema: {
        type: 'object',
        required: [MODEL_FIELD] as string[],
        properties: {
          [MODEL_FIELD]: { type: 'string', format: 'binary' },
          [DATA_FIELD]: { type: 'array', items: { type: 'string', format: 'binary' } },
        },
      } as const,
    },
  },
};

interface Upload {
  model: Uint8Array;
  data: DataFileSent[];
}

/** @throws {HttpProblem} 400 where it holds no model */
async function uploadOf(request: Pick<HonoRequest, 'header' | 'parseBody' | 'arrayBuffer'>): Promise<Upload> {
  const isForm = request.header('content-type')?.startsWith('multipart/form-data');
  const form = isForm ? await request.parseBody({ all: true }) : {};
  const files = (field: string) => [form[field] ?? []].flat().filter((part) => part instanceof File);
  const bytesOf = async (part: Blob) => new Uint8Array(await part.arrayBuffer());
  const [file] = files(MODEL_FIELD);
  if (isForm && !file) throw new HttpProblem(400, `the form has no file "${MODEL_FIELD}": send the ONNX file in it`);
  const model = file ? await bytesOf(file) : new Uint8Array(await request.arrayBuffer());
  if (model.length === 0) throw new HttpProblem(400, 'the model is empty: send the ONNX file as it is');
  const data = files(DATA_FIELD).map(async (part) => ({ name: part.name, bytes: await bytesOf(part) }));
  return { model, data: await Promise.all(data) };
}

export function benchRoutes(routes: Routes, { bench }: { bench: BenchService }): void {
  const found = (view: BenchView | null, id: string): BenchView => {
    if (view) return view;
    throw new HttpProblem(404, `there is no bench "${id}"`, 'GET /api/bench lists them');
  };
  routes.openapi(
    declared({
      method: 'post',
      path: '/api/bench/models',
      summary: 'Upload an ONNX model to bench: the file as the body, or as a form with the files that lie beside it',
      request: { body: uploadBody },
      responses: { 201: json(benchModelSchema) },
    }),
    async (c) => {
      const { model, data } = await uploadOf(c.req);
      return c.json(await bench.accept(model, data), 201);
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
