/** Routes of ask and tell: bodies and answers as in shared/protocol/tuner-lines.ts and docs/tuner-protocol.md. */
import type { StudyParts } from '@edgetune/shared/domain/study-parts.ts';
import {
  tunerListSchema,
  tunerRequestSchema,
  tunerSpecSchemaFor,
  tunerViewSchema,
} from '@edgetune/shared/protocol/tuner-lines.ts';
import { z } from 'zod';
import { parseTunerSpec } from '../ask-tell/parse-tuner-spec.ts';
import type { TunerService } from '../ask-tell/tuner-service.ts';
import { HttpProblem } from './problem.ts';
import { declared, json, NOTHING, type Routes } from './routes.ts';

/** Its id, or its name where only one has it. */
const params = z.object({ id: z.string() });
/** A string to the compiler: the library would take it for a kind of JSON. */
const JSONL: string = 'application/jsonl';
/** Each line is parsed by itself: a wrong one is answered in its place. */
const aLine: object = z.toJSONSchema(tunerRequestSchema, { io: 'input', unrepresentable: 'any' });

export function tunerRoutes(routes: Routes, { tuners, parts }: { tuners: TunerService; parts: StudyParts }): void {
  const specSchema = tunerSpecSchemaFor(parts);
  const found = <T>(value: T | null, id: string): T => {
    if (value !== null) return value;
    throw new HttpProblem(404, `there is no tuner "${id}"`, 'GET /api/tuners lists them');
  };
  const idOf = (idOrName: string) => found(tuners.idOf(idOrName), idOrName);
  routes.openapi(
    declared({
      method: 'get',
      path: '/api/tuners',
      summary: 'Tuners that programs drive',
      responses: { 200: json(tunerListSchema) },
    }),
    (c) => c.json({ tuners: tuners.list() }, 200),
  );
  routes.openapi(
    declared({
      method: 'post',
      path: '/api/tuners',
      summary: 'A tuner for a program',
      request: {
        body: {
          description: 'Its specification in YAML or JSON',
          required: true,
          content: { 'application/yaml': { schema: specSchema } },
        },
      },
      responses: { 201: json(tunerViewSchema) },
    }),
    async (c) => c.json(await tuners.create(parseTunerSpec(await c.req.text(), parts)), 201),
  );
  routes.openapi(
    declared({
      method: 'get',
      path: '/api/tuners/{id}',
      summary: 'A tuner and its open jobs',
      request: { params },
      responses: { 200: json(tunerViewSchema) },
    }),
    async (c) => {
      const id = idOf(c.req.valid('param').id);
      return c.json(found(await tuners.find(id), id), 200);
    },
  );
  routes.openapi(
    declared({
      method: 'post',
      path: '/api/tuners/{id}',
      summary: 'Ask and tell: one JSON message a line, one answer a line, in order',
      request: { params, body: { required: true, content: { [JSONL]: { schema: aLine } } } },
      responses: { 200: { description: 'An answer for each line', content: { [JSONL]: { schema: {} } } } },
    }),
    async (c) => {
      const id = idOf(c.req.valid('param').id);
      const lines = (await c.req.text()).split(/\r?\n/).filter((line) => line.trim() !== '');
      if (lines.length === 0) throw new HttpProblem(400, 'the body is empty: send one JSON message a line');
      const answers = found(await tuners.answer(id, lines), id);
      return c.body(answers.map((answer) => `${answer}\n`).join(''), 200, { 'content-type': JSONL });
    },
  );
  routes.openapi(
    declared({
      method: 'delete',
      path: '/api/tuners/{id}',
      summary: 'Remove a tuner',
      request: { params },
      responses: { 204: NOTHING },
    }),
    async (c) => {
      const id = idOf(c.req.valid('param').id);
      found((await tuners.remove(id)) || null, id);
      return c.body(null, 204);
    },
  );
}
