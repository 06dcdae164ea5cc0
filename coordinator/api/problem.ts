/** Every refusal of the API as a problem that a person can act on, and with which status: said here and nowhere else. */

import { mistakesIn } from '@edgetune/shared/domain/schema-mistakes.ts';
import type { Logger } from '@edgetune/shared/log/logger.ts';
import { OnnxError } from '@edgetune/shared/onnx/onnx-error.ts';
import type { Problem } from '@edgetune/shared/protocol/http.ts';
import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { z } from 'zod';
import { TunerSpecError } from '../ask-tell/parse-tuner-spec.ts';
import { LostSessionsError } from '../ask-tell/tuner-host.ts';
import { TunerLimitError, UnreadableTunerError } from '../ask-tell/tuner-service.ts';
import { InferenceInputError } from '../bench/bench-input.ts';
import { FleetError } from '../fleet/fleet-error.ts';
import { NotWrittenError } from '../lifecycle/not-written-error.ts';
import { ShutdownError } from '../lifecycle/shutdown-error.ts';
import { StudyInputError, StudyStateError } from '../study/state/study-errors.ts';
import { TunerProblemError } from '../tuner/validate-problem.ts';

/** A refusal with its HTTP status: of what only a route knows. */
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

/** What was sent does not fit the schema that the route declares. */
export class MistakenRequest extends Error {
  override name = 'MistakenRequest';
  readonly issues: NonNullable<Problem['issues']>;
  constructor(error: z.ZodError) {
    super('the request has mistakes');
    this.issues = mistakesIn(error).map(({ path, message }) => ({
      path: path.map(String).join('.'),
      message,
      line: null,
      column: null,
    }));
  }
}

const FLEET_STATUS = { 'no-such-device': 404, 'name-taken': 409, 'bad-name': 400, 'bad-token': 403 } as const;
const NOT_WRITTEN_STATUS = {
  'disk-full': 507,
  quota: 507,
  'not-allowed': 503,
  refused: 503,
  locked: 503,
  closed: 503,
} as const;
const TUNER_STATUS = { 'too-many-tuners': 409, 'too-many-lines': 413, 'several-of-the-name': 409 } as const;

/** Status and text of an error; null: nobody foresaw it. */
function refusal(error: Error): { status: ContentfulStatusCode; problem: Problem } | null {
  const { message } = error;
  if (error instanceof HttpProblem) return error;
  if (error instanceof MistakenRequest) return { status: 400, problem: { error: message, issues: error.issues } };
  if (error instanceof FleetError)
    return { status: FLEET_STATUS[error.code], problem: { error: message, hint: error.hint } };
  if (error instanceof TunerSpecError)
    return { status: 400, problem: { error: error.summary, issues: [...error.issues] } };
  if (error instanceof StudyInputError) return { status: 400, problem: error.problem };
  if (error instanceof StudyStateError || error instanceof UnreadableTunerError)
    return { status: 409, problem: { error: message } };
  // What is wrong with a model, or with what is asked of it, is the client's to mend.
  if (error instanceof InferenceInputError || error instanceof OnnxError || error instanceof TunerProblemError)
    return { status: 400, problem: { error: message } };
  if (error.name === 'DatasetError') return { status: 400, problem: { error: message } };
  if (error instanceof LostSessionsError)
    return { status: 503, problem: { error: message, hint: 'nothing that was answered is lost: ask again' } };
  if (error instanceof TunerLimitError) return { status: TUNER_STATUS[error.code], problem: { error: message } };
  if (error instanceof NotWrittenError)
    return { status: NOT_WRITTEN_STATUS[error.because], problem: { error: message } };
  if (error instanceof ShutdownError)
    return { status: 503, problem: { error: message, hint: 'ask again when it has started' } };
  // The only thing that the library refuses by itself: bodies that it cannot read.
  if (error instanceof HTTPException) return { status: 400, problem: { error: 'the body of the request is not JSON' } };
  return null;
}

/** The answer to an error; what was not foreseen is logged and says nothing of our insides. */
export function answerProblem(error: Error, context: Context, log: Logger): Response {
  const foreseen = refusal(error);
  // Who runs the coordinator is to know it, too.
  if (error instanceof NotWrittenError) log.error(`${context.req.method} ${context.req.path}`, { error });
  if (foreseen) return context.json(foreseen.problem, foreseen.status);
  log.error(`${context.req.method} ${context.req.path}`, { error });
  return context.json({ error: 'the coordinator made a mistake: its log says more' } satisfies Problem, 500);
}
