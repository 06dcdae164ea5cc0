/** Exchanges a second by JSON lines (an ask or a tell is one), in this process. */
import { tunerSpecSchema } from '@edgetune/shared/protocol/tuner-lines.ts';
import { createTunerSession } from '../../../coordinator/study/tuner-session.ts';

/** Exchanges a second over the first rungs of a mixed space of four parameters. */
export function exchangesPerS(sampler: string, rungs: number): number {
  const { answer } = createTunerSession(
    tunerSpecSchema.parse({
      space: {
        training: {
          rate: { type: 'float', min: 1e-5, max: 1, scale: 'log' },
          momentum: { type: 'float', min: 0, max: 1 },
          optimizer: { type: 'categorical', choices: ['sgd', 'adam'] },
          depth: { type: 'int', min: 1, max: 9 },
        },
      },
      objectives: ['minimize loss'],
      tuner: { sampler },
      stop: { trials: 100_000 },
    }),
  );
  const start = performance.now();
  for (let rung = 0; rung < rungs; rung++) {
    const asked = JSON.parse(answer('{"ask":{}}'));
    const loss = Math.abs(Math.log10(asked.candidate.rate) + 2) + asked.candidate.depth / 100 + 1 / asked.budget.epochs;
    answer(JSON.stringify({ tell: { trial: asked.trial, rung: asked.rung, metrics: { loss } } }));
  }
  return (2 * rungs) / ((performance.now() - start) / 1000);
}
