/** Which precision a device is recommended. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inferenceConfigSchema, type Precision } from '@edgetune/shared/domain/inference-config.ts';
import type { StoredMeasurement } from '@edgetune/shared/domain/measurement.ts';
import { parseConstraint, parseObjective } from '@edgetune/shared/domain/objective.ts';
import { parsePrefer, preferSchema } from '@edgetune/shared/domain/prefer.ts';
import { choosePrecision } from '../../../../coordinator/study/outcome/choose-precision.ts';
import type { Quality } from '../../../../coordinator/study/outcome/quality.ts';
import { measurementAt, storedMeasurement } from '../../../support/measurement.ts';
import { qualities } from '../support/evaluations.ts';

const at = (precision: Precision, latencyMs: number, threads = 1) =>
  storedMeasurement({
    id: `${precision}-${threads}`,
    ...measurementAt(latencyMs, { config: inferenceConfigSchema.parse({ batchSize: 1, threads, precision }) }),
  });
const choose = (
  accuracies: { float32: number; int8: number },
  measurements = [at('float32', 10), at('int8', 5)],
  constraints: string[] = [],
) =>
  choosePrecision(
    {
      objectives: ['maximize accuracy', 'minimize latency.p50'].map(parseObjective),
      constraints: constraints.map(parseConstraint),
      quantisation: { maxAccuracyDrop: 0.01 },
    },
    'pi',
    measurements,
    qualities(accuracies),
    (precision) => (precision === 'int8' ? 1000 : 4000),
  );

test('int8 where it is better and costs no more accuracy than the study gives', () => {
  const choice = choose({ float32: 0.92, int8: 0.915 });
  assert.equal(choice?.measurement.id, 'int8-1');
  assert.deepEqual(
    choice?.rivals.map(({ id }) => id),
    ['float32-1'],
  );
  assert.match(choice?.why ?? '', /int8 is better here \(5.* in int8, 10.* in float32\) and costs 0.5 points/);
  const dear = choose({ float32: 0.92, int8: 0.9 });
  assert.equal(dear?.measurement.id, 'float32-1');
  assert.match(dear?.why ?? '', /costs 2 points of validation accuracy, more than the 1 point that/);
  const slow = choose({ float32: 0.92, int8: 0.93 }, [at('float32', 4), at('int8', 5)]);
  assert.equal(slow?.measurement.id, 'float32-1');
  assert.match(slow?.why ?? '', /int8 is slower here/);
});

test('constraints come first: of the device, and on the accuracy and size of the file that it would run', () => {
  const needed = choose({ float32: 0.92, int8: 0.9 }, undefined, ['latency.p50 <= 7 ms']);
  assert.deepEqual([needed?.measurement.id, needed?.violation], ['int8-1', 0]);
  const kept = choose({ float32: 0.92, int8: 0.915 }, undefined, ['accuracy >= 0.92']);
  assert.deepEqual([kept?.measurement.id, kept?.violation], ['float32-1', 0]);
  const small = choose({ float32: 0.92, int8: 0.9 }, undefined, ['modelSize <= 2 kB']);
  assert.equal(small?.measurement.id, 'int8-1');
  const neither = choose({ float32: 0.92, int8: 0.92 }, undefined, ['latency.p50 <= 4 ms']);
  assert.deepEqual([neither?.measurement.id, neither?.violation], ['int8-1', 0.25]);
});

test('what is asked of single classes, and of F1, is asked of each file', () => {
  const first = (constraint: string, int8: Quality, objectives = ['maximize accuracy', 'minimize latency.p50']) =>
    choosePrecision(
      {
        objectives: objectives.map(parseObjective),
        constraints: [parseConstraint(constraint)],
        quantisation: { maxAccuracyDrop: 0.01 },
      },
      'pi',
      [at('float32', 10), at('int8', 5)],
      { float32: { accuracy: 0.9, f1: 0.85, 'recall.dog': 0.8, loss: 0.3 }, int8 },
      () => 1000,
    )?.measurement.config.precision;
  const good = { accuracy: 0.9, f1: 0.85, 'recall.dog': 0.8, loss: 0.3 };
  assert.equal(first('recall.dog >= 80 %', good), 'int8');
  assert.equal(first('recall.dog >= 80 %', { ...good, 'recall.dog': 0.79 }), 'float32');
  assert.equal(first('f1 >= 0.85', { ...good, f1: 0.84 }), 'float32');
  assert.equal(first('loss <= 0.3', { ...good, loss: 0.4 }), 'float32');
  const byRecall = ['maximize recall.dog', 'minimize latency.p50'];
  assert.equal(first('accuracy >= 0.5', { ...good, 'recall.dog': 0.1 }, byRecall), 'float32');
});

test('an int8 file that is larger is not recommended; where it was not measured for that, this is said', () => {
  const larger = (measurements: StoredMeasurement[]) =>
    choosePrecision(
      { objectives: [parseObjective('latency.p50')], constraints: [], quantisation: { maxAccuracyDrop: 0.5 } },
      'pi',
      measurements,
      { float32: { accuracy: 0.9 }, int8: { accuracy: 0.9 } },
      (precision) => (precision === 'int8' ? 5000 : 4000),
    );
  const [both, alone] = [larger([at('float32', 10), at('int8', 5)]), larger([at('float32', 10)])];
  assert.equal(both?.measurement.id, 'float32-1');
  assert.match(
    both?.why ?? '',
    /the int8 file is the larger one \(5.* kB, 4.* kB\) \(5 ms in int8, 10 ms in float32\)/,
  );
  assert.match(alone?.why ?? '', /^the int8 file is the larger one \(5.* kB, 4.* kB\)$/);
});

test('of two batch sizes the time for a sample counts', () => {
  const batched = { ...at('int8', 30), id: 'int8-batch', config: { ...at('int8', 1).config, batchSize: 4 } };
  const choice = choosePrecision(
    { objectives: [parseObjective('throughput')], constraints: [], quantisation: { maxAccuracyDrop: 0.5 } },
    'pi',
    [at('float32', 10), { ...batched, throughputPerS: 130 }],
    { float32: { accuracy: 0.9 }, int8: { accuracy: 0.9 } },
    () => 1000,
  );
  assert.equal(choice?.measurement.id, 'int8-batch');
});

test('of several configs in a precision the best counts; failed measurements do not', () => {
  const crashed = { ...at('int8', 1, 4), outcome: 'crashed' as const };
  const choice = choose({ float32: 0.9, int8: 0.9 }, [at('int8', 8), at('int8', 6, 2), crashed, at('float32', 7)]);
  assert.equal(choice?.measurement.id, 'int8-2');
  const alone = choose({ float32: 0.9, int8: 0.9 }, [at('float32', 7), at('float32', 6, 2)]);
  assert.deepEqual([alone?.measurement.id, alone?.why, alone?.rivals], ['float32-2', null, []]);
  assert.equal(choose({ float32: 0.9, int8: 0.9 }, [crashed]), null);
});

test('what leads on the device leads between precisions, too', () => {
  const choice = choosePrecision(
    {
      objectives: ['minimize latency.p50', 'minimize modelSize'].map(parseObjective),
      constraints: [],
      quantisation: { maxAccuracyDrop: 0.01 },
    },
    'pi',
    [at('float32', 10), at('int8', 30)],
    qualities({ float32: 0.9, int8: 0.9 }),
    (precision) => (precision === 'int8' ? 250_000 : 1_000_000),
  );
  assert.equal(choice?.measurement.id, 'float32-1');
});

test('what a point of accuracy is worth holds for int8, too', () => {
  const first = (latencyMs: number) =>
    choosePrecision(
      {
        objectives: ['maximize accuracy', 'minimize latency.p50'].map(parseObjective),
        prefer: parsePrefer('at most 1 point of accuracy for 20 % of latency.p50'),
        constraints: [],
        quantisation: { maxAccuracyDrop: 0.01 },
      },
      'pi',
      [at('float32', 10), at('int8', latencyMs)],
      qualities({ float32: 0.93, int8: 0.921 }),
      () => 1000,
    )?.measurement.config.precision;
  assert.deepEqual([first(9.5), first(7.5)], ['float32', 'int8']);
});

test('of float32 and float16 the better is recommended', () => {
  const choice = choosePrecision(
    { objectives: [parseObjective('accuracy')], constraints: [], quantisation: { maxAccuracyDrop: 0.01 } },
    'pi',
    [at('float32', 30), at('float16', 10)],
    qualities({ float32: 0.9 }),
    () => 1000,
  );
  assert.equal(choice?.measurement.id, 'float16-1');
});

/** Between float32 of 10 ms and int8 of 20 ms, with the same accuracy unless said otherwise. */
function chosen(
  objectives: string[],
  changes: {
    float32?: Partial<StoredMeasurement>;
    int8?: Partial<StoredMeasurement>;
    accuracy?: number;
    drop?: number;
  },
  int8Ms = 20,
) {
  const choice = choosePrecision(
    {
      objectives: objectives.map(parseObjective),
      constraints: [],
      quantisation: { maxAccuracyDrop: changes.drop ?? 0.01 },
    },
    'pi',
    [
      { ...at('float32', 10), ...changes.float32 },
      { ...at('int8', int8Ms), ...changes.int8 },
    ],
    qualities({ float32: 0.75, int8: changes.accuracy ?? 0.75 }),
    (precision) => (precision === 'int8' ? 1000 : 4000),
  );
  return choice?.measurement.config.precision;
}

test('the objectives on this device decide, and no other', () => {
  const [much, little] = [{ peakMemoryBytes: 8e6 }, { peakMemoryBytes: 1e6 }];
  const memory = { float32: much, int8: little };
  assert.equal(chosen(['minimize memory'], memory), 'int8');
  assert.equal(chosen(['minimize memory on pi'], memory), 'int8');
  assert.equal(chosen(['minimize memory on orin'], memory), 'float32', 'the median latency, where none is on it');
  assert.equal(chosen(['maximize accuracy', 'minimize memory'], memory), 'int8');
  assert.equal(
    chosen(['maximize accuracy', 'minimize memory'], { float32: little, int8: { peakMemoryBytes: 9e5 } }, 90),
    'int8',
  );
  assert.equal(chosen(['minimize modelSize'], {}), 'int8', 'a quarter of the size for twice the latency');
  assert.equal(
    chosen(['minimize macs', 'minimize parameters', 'minimize loss'], {}),
    'float32',
    'files are alike in these',
  );
  assert.equal(chosen(['minimize latency', 'minimize modelSize'], {}), 'float32', 'the latency leads');
  assert.equal(
    chosen(['minimize macs', 'minimize latency', 'minimize modelSize'], {}),
    'int8',
    'files are alike in what leads',
  );
  assert.equal(chosen(['maximize throughput'], {}), 'float32');
});

test('of a ratio its parts decide', () => {
  const using = (netJ: number) => ({
    energy: { netJ, grossJ: netJ, meanPowerW: 1, source: 'meter' as const, meter: 'x', sampleCount: 9 },
  });
  const energy = { float32: using(2), int8: using(1) };
  assert.equal(chosen(['edgetune.energy'], energy), 'int8');
  assert.equal(chosen(['edgetune.energy'], { float32: using(1), int8: using(2) }), 'float32');
  const close = { float32: using(1), int8: using(0.97), accuracy: 0.7, drop: 0.1 };
  assert.equal(chosen(['edgetune.energy'], close), 'float32', '7 % of the accuracy for 3 % of the energy');
});

test('where accuracy leads, it is given up to the drop that the study allows, that included', () => {
  const half = ['maximize accuracy', 'minimize latency.p50'];
  assert.equal(chosen(half, { accuracy: 0.5, drop: 0.25 }, 1), 'int8');
  assert.equal(chosen(half, { accuracy: 0.5, drop: 0.24 }, 1), 'float32');
  assert.equal(
    chosen(half, { accuracy: 0.7, drop: 0.1 }, 5),
    'int8',
    'also beyond what the study gives between models',
  );
});

test('the accuracy of the float32 file is that of float16, which is made of it', () => {
  const choice = (accuracy: string) =>
    choosePrecision(
      {
        objectives: [parseObjective('latency.p50')],
        constraints: [parseConstraint(accuracy)],
        quantisation: { maxAccuracyDrop: 0.5 },
      },
      'pi',
      [at('float16', 10), at('int8', 5)],
      qualities({ float32: 0.9, int8: 0.8 }),
      () => 1000,
    );
  const strict = choice('accuracy >= 0.9');
  assert.deepEqual([strict?.measurement.config.precision, strict?.violation], ['float16', 0]);
  assert.deepEqual(
    [strict?.rivals.map(({ id }) => id), choice('accuracy >= 0.8')?.measurement.id],
    [['int8-1'], 'int8-1'],
  );
});

test('the reason says how both compare, and what int8 costs', () => {
  const why = (
    accuracies: { float32: number; int8: number },
    latencies: [number, number],
    constraints: string[] = [],
  ) => choose(accuracies, [at('float32', latencies[0]), at('int8', latencies[1])], constraints)?.why;
  assert.deepEqual(
    [
      why({ float32: 0.75, int8: 0.745 }, [10, 5]),
      why({ float32: 0.75, int8: 0.75 }, [10, 5]),
      why({ float32: 0.75, int8: 0.75 }, [10, 10]),
      why({ float32: 0.75, int8: 0.76 }, [4, 5]),
      why({ float32: 0.75, int8: 0.7 }, [10, 5]),
      why({ float32: 0.75, int8: 0.7 }, [10, 5], ['latency.p50 <= 7 ms']),
      why({ float32: 0.75, int8: 0.745 }, [10, 20], ['latency.p50 <= 15 ms']),
    ],
    [
      'int8 is better here (5 ms in int8, 10 ms in float32) and costs 0.5 points of validation accuracy',
      'int8 is better here (5 ms in int8, 10 ms in float32) and costs no validation accuracy',
      'int8 is no better here (10 ms in int8, 10 ms in float32)',
      'int8 is slower here (5 ms in int8, 4 ms in float32)',
      'int8 costs 5 points of validation accuracy, more than the 1 point that the study gives for it (5 ms in int8, 10 ms in float32)',
      'float32 violates the constraints by more (5 ms in int8, 10 ms in float32); int8 costs 5 points of validation accuracy',
      'int8 violates the constraints by more (20 ms in int8, 10 ms in float32); it costs 0.5 points of validation accuracy',
    ],
  );
  const silent = { ...at('int8', 5), latencyMs: null };
  assert.match(
    choose({ float32: 0.75, int8: 0.75 }, [at('float32', 4), silent])?.why ?? '',
    /no latency in int8, 4 ms/,
  );
});

test('the accuracy that a study gives may be given to the last digit', () => {
  // In floating point 0.93 − 0.92 is more than 0.01.
  assert.equal(choose({ float32: 0.93, int8: 0.92 })?.measurement.id, 'int8-1');
  assert.equal(choose({ float32: 0.93, int8: 0.9199 })?.measurement.id, 'float32-1');
});

const between = (objectives: string[], int8: { latencyMs: number; accuracy: number; bytes: number }, prefer?: object) =>
  choosePrecision(
    {
      objectives: objectives.map(parseObjective),
      constraints: [],
      ...(prefer ? { prefer: preferSchema.parse(prefer) } : {}),
      quantisation: { maxAccuracyDrop: 0.5 },
    },
    'pi',
    [at('float32', 10), at('int8', int8.latencyMs)],
    qualities({ float32: 0.9, int8: int8.accuracy }),
    (precision) => (precision === 'int8' ? int8.bytes : 1_000_000),
  )?.measurement.config.precision;

test('where files are alike in what leads, nothing else of them leads instead', () => {
  const int8 = { latencyMs: 20, accuracy: 0.9, bytes: 100_000 };
  // Ten times smaller for twice the latency is the better compromise; where the latency leads it is too slow.
  assert.equal(between(['minimize trainingTime', 'minimize latency.p50', 'minimize modelSize'], int8), 'int8');
  assert.equal(between(['minimize latency.p50 on other', 'minimize latency.p50', 'minimize modelSize'], int8), 'int8');
  assert.equal(between(['minimize latency.p50', 'minimize modelSize'], int8), 'float32');
});

test('what a ratio is worth, its parts on the device are worth', () => {
  const int8 = { latencyMs: 12, accuracy: 0.9, bytes: 800_000 };
  const objectives = ['maximize accuracy', 'minimize edgetune.time', 'minimize modelSize'];
  assert.equal(between(objectives, int8), 'int8', 'a fifth smaller for a fifth slower, by a little');
  assert.equal(between(objectives, int8, { weights: { 'edgetune.time': 3 } }), 'float32');
});
