/** Routes of ask and tell: bodies and answers as in shared/protocol/tuner-lines.ts and docs/tuner-protocol.md. */
import { tunerSpecSchema } from '@edgetune/shared/protocol/tuner-lines.ts';
import { type Context, Hono } from 'hono';
import { parse } from 'yaml';
import { TunerLimitError, type TunerService } from '../ask-tell/tuner-service.ts';
import { TunerProblemError } from '../tuner/validate-problem.ts';
import { HttpProblem } from './problem.ts';

export function tunerRoutes({ tuners }: { tuners: TunerService }): Hono {
  const routes = new Hono();
  routes.get('/', (c) => c.json({ tuners: tuners.list() }));
  routes.post('/', async (c) => {
    const spec = tunerSpecSchema.parse(await readSpec(c));
    try {
      return c.json(tuners.create(spec), 201);
    } catch (error) {
      if (error instanceof TunerProblemError) throw new HttpProblem(400, error.message);
      if (error instanceof TunerLimitError) throw new HttpProblem(409, error.message);
      throw error;
    }
  });
  const found = <T>(value: T | null, id: string): T => {
    if (value !== null) return value;
    throw new HttpProblem(404, `there is no tuner "${id}"`, 'GET /api/tuners lists them');
  };
  routes.get('/:id', (c) => c.json(found(tuners.find(c.req.param('id')), c.req.param('id'))));
  routes.post('/:id', async (c) => {
    const lines = (await c.req.text()).split(/\r?\n/).filter((line) => line.trim() !== '');
    if (lines.length === 0) throw new HttpProblem(400, 'the body is empty: send one JSON message a line');
    try {
      const answers = found(await tuners.answer(c.req.param('id'), lines), c.req.param('id'));
      return c.body(answers.map((answer) => `${answer}\n`).join(''), 200, { 'content-type': 'application/jsonl' });
    } catch (error) {
      if (error instanceof TunerLimitError) throw new HttpProblem(413, error.message);
      throw error;
    }
  });
  routes.delete('/:id', (c) => {
    found(tuners.remove(c.req.param('id')) || null, c.req.param('id'));
    return c.body(null, 204);
  });
  return routes;
}

/** A specification in YAML; JSON is YAML, too. */
async function readSpec(context: Context): Promise<unknown> {
  try {
    return parse(await context.req.text());
  } catch (error) {
    throw new HttpProblem(400, `the specification is neither YAML nor JSON: ${(error as Error).message}`);
  }
}
