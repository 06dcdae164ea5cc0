/** Problems to tune in tests, and a driver that answers a tuner's asks. */
import type { Parameter } from '@edgetune/shared/domain/search-space.ts';
import { budgetLadderSchema, tunerSettingsSchema } from '@edgetune/shared/domain/study.ts';
import { keyedRandom } from '@edgetune/shared/math/random.ts';
import type { Ask, Tell, Tuner, TunerProblem } from '../../coordinator/tuner/tuner.ts';

export const MIXED: Parameter[] = [
  { name: 'depth', level: 'model', type: 'int', min: 1, max: 6, scale: 'linear' },
  { name: 'width', level: 'model', type: 'int', min: 8, max: 256, scale: 'log' },
  { name: 'activation', level: 'model', type: 'categorical', choices: ['relu', 'gelu', 'tanh'] },
  { name: 'optimizer', level: 'training', type: 'categorical', choices: ['sgd', 'adam'] },
  {
    name: 'momentum',
    level: 'training',
    type: 'float',
    min: 0,
    max: 0.99,
    scale: 'linear',
    when: { optimizer: 'sgd' },
  },
  { name: 'rate', level: 'training', type: 'float', min: 1e-5, max: 1, scale: 'log' },
  { name: 'batch', level: 'training', type: 'ordinal', values: [16, 32, 64, 128] },
  { name: 'augment', level: 'training', type: 'boolean' },
  { name: 'dropout', level: 'training', type: 'float', min: 0, max: 0.5, scale: 'linear', step: 0.1 },
  { name: 'family', level: 'model', type: 'constant', value: 'resnet' },
];

type Overrides = Partial<Omit<TunerProblem, 'settings' | 'ladder'>> & {
  settings?: Partial<TunerProblem['settings']>;
  ladder?: Partial<TunerProblem['ladder']>;
};

export function problem({ settings, ladder, ...rest }: Overrides = {}): TunerProblem {
  return {
    parameters: MIXED,
    objectives: [{ metric: 'accuracy', direction: 'maximize', aggregate: 'worst' }],
    constraints: [],
    devices: ['pi'],
    ladder: { ...budgetLadderSchema.parse({}), ...ladder },
    settings: { ...tunerSettingsSchema.parse({}), ...settings },
    maxTrials: 20,
    synchronous: false,
    ...rest,
  };
}

/** A made-up training: a function of candidate and budget alone. Some crash, some are infeasible. */
export function answer(ask: Ask): Tell {
  const { candidate, budget, trialId, rung } = ask;
  const size = (candidate.depth as number) * (candidate.width as number);
  const skill = 1 - Math.abs(Math.log10(candidate.rate as number) + 2.5) / 5 - (candidate.augment ? 0 : 0.05);
  const accuracy = skill * (1 - 0.3 / budget.epochs) * (0.8 + 0.2 * budget.dataFraction) + Math.log2(size) / 100;
  const latency = size / 50;
  const luck = keyedRandom(trialId, rung).uniform();
  const status = luck < 0.05 ? 'failed' : latency > 20 ? 'infeasible' : 'ok';
  return {
    trialId,
    rung,
    status,
    metrics:
      status === 'failed' ? {} : { accuracy, 'latency.p50@pi': latency, 'energy@pi': latency / 10 + (size % 7) / 10 },
    violation: status === 'infeasible' ? (latency - 20) / 20 : 0,
    cost: { seconds: budget.epochs * budget.dataFraction * size, joules: size },
  };
}

export type Entry = { ask: Ask } | { tell: Tell } | { amend: Parameters<Tuner['amend']>[0] };

/** Runs up to `workers` asks at once, telling in an order that depends on `shuffle`, until the tuner is finished. */
export function drive(tuner: Tuner, workers = 1, shuffle = 0, respond = answer, amending = false): Entry[] {
  const log: Entry[] = [];
  const random = keyedRandom(shuffle, 77);
  const running: Ask[] = [];
  while (!tuner.isFinished()) {
    const ask = running.length < workers ? tuner.ask() : null;
    if (ask) {
      running.push(ask);
      log.push({ ask });
      continue;
    }
    const [done] = running.splice(random.below(running.length), 1);
    if (!done) throw new Error('the tuner waits for nothing');
    const tell = respond(done);
    tuner.tell(tell);
    log.push({ tell });
    // Some metrics were predictions: they are replaced later.
    if (amending && tell.status === 'ok' && random.uniform() < 0.3) {
      const latency = (tell.metrics['latency.p50@pi'] as number) * (0.5 + random.uniform());
      const amend = {
        trialId: tell.trialId,
        rung: tell.rung,
        metrics: { 'latency.p50@pi': latency },
        violation: latency > 20 ? 1 : 0,
      };
      tuner.amend(amend);
      log.push({ amend });
    }
  }
  return log;
}

export const asksOf = (log: readonly Entry[]) => log.flatMap((entry) => ('ask' in entry ? [entry.ask] : []));
