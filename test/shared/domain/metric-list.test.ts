import assert from 'node:assert/strict';
import { it } from 'node:test';
import { BENCH_METRICS, METRIC_LIST, metricParts, objectiveOffer } from '@edgetune/shared/domain/metric-list.ts';
import { METRICS, parseConstraint, parseObjective } from '@edgetune/shared/domain/objective.ts';

const metric = (name: string) => {
  const found = METRIC_LIST.find((each) => each.name === name);
  assert.ok(found, name);
  return found;
};

it('has every metric, with a description of its own', () => {
  assert.deepEqual(
    METRIC_LIST.map(({ name }) => name),
    [...Object.keys(METRICS), 'precision.CLASS', 'recall.CLASS'],
  );
  const descriptions = METRIC_LIST.map(({ description }) => description);
  assert.equal(new Set(descriptions).size, descriptions.length);
  assert.ok(!descriptions.includes(''));
});

it('tells what a client must know of one', () => {
  assert.deepEqual(metric('memory'), {
    name: 'memory',
    description: 'memory',
    direction: 'minimize',
    of: 'device',
    unit: 'B',
    units: ['B', 'kB', 'KB', 'MB', 'GB', 'KiB', 'MiB', 'GiB'],
    isLimitable: true,
    isCommon: true,
    isOfClass: false,
  });
  assert.equal(metric('recall.CLASS').isOfClass, true);
  assert.deepEqual([metric('accuracy').unit, metric('accuracy').units], ['', ['%']]);
  assert.deepEqual([metric('power').isCommon, metric('edgetune.time').isLimitable], [false, false]);
});

it('may be written in each of its units where it may be limited, and is refused as a limit where not', () => {
  for (const { name, units, isLimitable } of METRIC_LIST)
    for (const unit of units.length > 0 ? units : ['']) {
      const limit = () => parseConstraint(`${name} <= 1 ${unit}`);
      if (isLimitable) assert.equal(limit().metric, name);
      else assert.throws(limit, /is an objective that is computed/);
    }
});

it('offers each metric the better way round, as studies write it', () => {
  for (const each of METRIC_LIST) {
    const { metric: name, direction } = parseObjective(objectiveOffer(each).value);
    assert.deepEqual([name, direction], [each.name, each.direction]);
  }
  assert.deepEqual(objectiveOffer(metric('latency.p50')), {
    value: 'minimize latency.p50',
    label: 'Lowest median latency',
    isCommon: true,
  });
  assert.equal(objectiveOffer(metric('throughput')).label, 'Highest throughput');
});

it('a bench has what devices measure by themselves', () => {
  assert.deepEqual(
    BENCH_METRICS.map(({ name }) => name),
    [
      ...['latency.mean', 'latency.p50', 'latency.p90', 'latency.p95', 'latency.p99', 'latency.p999'],
      ...['throughput', 'memory', 'energy', 'power'],
    ],
  );
});

it('is text for people: whose it is, which way is better, and the units', () => {
  const described = (...names: string[]) => metricParts(names.map(metric)).map(({ description }) => description);
  assert.deepEqual(described('throughput', 'accuracy', 'edgetune.energy'), [
    'throughput; per device; higher is better; in /s, samples/s, inferences/s',
    'accuracy; of the model; higher is better; a number, or with %',
    'training energy × energy per inference ÷ accuracy; per device; lower is better; for objectives only',
  ]);
});
