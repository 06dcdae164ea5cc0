/** Which precision a device is recommended. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inferenceConfigSchema, type Precision } from '@edgetune/shared/domain/inference-config.ts';
import { parseConstraint, parseObjective } from '@edgetune/shared/domain/objective.ts';
import { parsePrefer } from '@edgetune/shared/domain/prefer.ts';
import { choosePrecision } from '../../../../coordinator/study/outcome/choose-precision.ts';
import { measurementAt, storedMeasurement } from '../../../support/measurement.ts';

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
    accuracies,
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
  assert.match(dear?.why ?? '', /costs 2 points of validation accuracy, more than the 1 points/);
  const slow = choose({ float32: 0.92, int8: 0.93 }, [at('float32', 4), at('int8', 5)]);
  assert.equal(slow?.measurement.id, 'float32-1');
  assert.match(slow?.why ?? '', /no better here/);
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
    { float32: 0.9, int8: 0.9 },
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
      { float32: 0.93, int8: 0.921 },
      () => 1000,
    )?.measurement.config.precision;
  assert.deepEqual([first(9.5), first(7.5)], ['float32', 'int8']);
});

test('of float32 and float16 the better is recommended', () => {
  const choice = choosePrecision(
    { objectives: [parseObjective('accuracy')], constraints: [], quantisation: { maxAccuracyDrop: 0.01 } },
    'pi',
    [at('float32', 30), at('float16', 10)],
    { float32: 0.9 },
    () => 1000,
  );
  assert.equal(choice?.measurement.id, 'float16-1');
});
