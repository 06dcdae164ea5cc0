/** Every refusal of the API as a problem that a person can act on. */
import { OnnxError } from '@edgetune/shared/onnx/onnx-error.ts';
import type { Problem } from '@edgetune/shared/protocol/http.ts';
import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { z } from 'zod';
import { InferenceInputError } from '../bench/bench-input.ts';
import { FleetError } from '../fleet/fleet-error.ts';
import { StudyInputError, StudyStateError } from '../study/state/study-errors.ts';

/** A refusal with its HTTP status. */
export class HttpProblem extends Error {
  override name = 'HttpProblem';
  readonly status: ContentfulStatusCode;
  readonly problem: Problem;
  constructor(status: ContentfulStatusCode, error: string, hint?: string) {
    super(error);
    this.status = status;
    this.problem = hint === undefined ? { error } : { error, hint };
  }
}

/** The body as JSON. @throws {HttpProblem} */
export async function readJson(context: Context): Promise<unknown> {
  try {
    return await context.req.json();
  } catch {
    throw new HttpProblem(400, 'the body of the request is not JSON');
  }
}

/** What is wrong with a model or with what is asked of it is the client's to mend. @throws {HttpProblem} */
export async function orRefuse<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof InferenceInputError || error instanceof OnnxError) throw new HttpProblem(400, error.message);
    throw error;
  }
}

const FLEET_STATUS = { 'no-such-device': 404, 'name-taken': 409, 'bad-name': 400, 'bad-token': 403 } as const;

/** The answer to an error; what was not foreseen is logged and says nothing of our insides. */
export function answerProblem(error: Error, context: Context, log: (message: string) => void): Response {
  if (error instanceof HttpProblem) return context.json(error.problem, error.status);
  if (error instanceof FleetError)
    return context.json({ error: error.message, hint: error.hint } satisfies Problem, FLEET_STATUS[error.code]);
  if (error instanceof StudyInputError) return context.json(error.problem, 400);
  if (error instanceof StudyStateError) return context.json({ error: error.message } satisfies Problem, 409);
  if (error instanceof z.ZodError) {
    const issues = error.issues.map(({ path, message }) => ({
      path: path.join('.'),
      message,
      line: null,
      column: null,
    }));
    return context.json({ error: 'the request has mistakes', issues } satisfies Problem, 400);
  }
  log(`${context.req.method} ${context.req.path}: ${error.stack ?? error.message}`);
  return context.json({ error: 'the coordinator made a mistake: its log says more' } satisfies Problem, 500);
}
