/** The JSON Schema of a study: what editors take and refuse is what the coordinator takes and refuses. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { studyJsonSchema } from '@edgetune/shared/domain/study-json-schema.ts';
import { studySchemaFor } from '@edgetune/shared/domain/study-parts.ts';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { parse } from 'yaml';
import { PARTS } from '../../../coordinator/parts.ts';

const ROOT = join(import.meta.dirname, '../../..');
const schema = studyJsonSchema(PARTS);
const ajv = new Ajv({ strict: true, allowUnionTypes: true, allErrors: true });
addFormats.default(ajv);
const validate = ajv.compile(schema);

function mistakes(study: unknown): string {
  return validate(study) ? '' : ajv.errorsText(validate.errors);
}

const readme = parse(
  /^```yaml\n(.*?)^```$/ms.exec(readFileSync(join(ROOT, 'README.md'), 'utf8'))?.[1] as string,
) as Record<string, object>;

it('takes the examples of README, workloads and examples/', () => {
  const files = readdirSync(join(ROOT, 'examples')).filter((name) => name.endsWith('.yaml'));
  const studies = new Map<string, unknown>([
    ['README.md', readme],
    ...PARTS.workloads.map(({ name, exampleYaml }) => [name, parse(exampleYaml)] as const),
    ...files.map((name) => [name, parse(readFileSync(join(ROOT, 'examples', name), 'utf8'))] as const),
  ]);
  assert.ok(studies.size >= 8);
  for (const [name, study] of studies) assert.equal(mistakes(study), '', name);
});

/** The study with a value at a path, which may be new. */
function changed(study: object, path: readonly (string | number)[], value: unknown): unknown {
  const copy = structuredClone(study) as Record<string | number, unknown>;
  let at = copy;
  for (const key of path.slice(0, -1)) at = at[key] as Record<string | number, unknown>;
  at[path.at(-1) as string] = value;
  return copy;
}

it('refuses misspelt keys, names and values, wherever they stand', () => {
  const wrong: [(string | number)[], unknown][] = [
    [['objectivs'], ['maximize accuracy']],
    [['budget', 'maxEpoch'], 9],
    [['tuner', 'samplr'], 'auto'],
    [['stop', 'trial'], 20],
    [['quantisation', 'maxDrop'], 0.01],
    [['dataset', 'imagesize'], 16],
    [['space', 'modell'], {}],
    [['space', 'model', 'width', 'value'], [8]],
    [['tuner', 'sampler'], 'bayes'],
    [['tuner', 'scheduler'], 'hyper-band'],
    [['workload'], 'image-clasifier'],
    [['dataset', 'format'], 'cifar'],
    [['scenario', 'kind'], 'singlestream'],
    [['space', 'model', 'width', 'type'], 'ordnal'],
    [['budget', 'maxEpochs'], 'nine'],
    [['budget', 'maxDataFraction'], 1.5],
    [['devices'], []],
    [['objectives', 0], 3],
  ];
  for (const [path, value] of wrong) assert.notEqual(mistakes(changed(readme, path, value)), '', path.join('.'));
  for (const needed of ['name', 'dataset', 'devices']) {
    const { [needed]: _, ...rest } = readme;
    assert.notEqual(mistakes(rest), '', `without ${needed}`);
  }
});

it('names each sampler and scheduler that it is given, and no other', () => {
  const made = { name: 'made-up', description: '', create: () => assert.fail('nothing is searched') };
  const own = studyJsonSchema({ ...PARTS, samplers: [made], schedulers: PARTS.schedulers });
  const { tuner } = own.properties as Record<string, { properties: Record<string, { enum: string[] }> }>;
  assert.deepEqual(tuner?.properties.sampler?.enum, ['made-up']);
  assert.deepEqual(
    tuner?.properties.scheduler?.enum,
    PARTS.schedulers.map(({ name }) => name),
  );
});

it('says of every key what it is for', () => {
  type Node = { description?: string; properties?: Record<string, Node> };
  const { properties = {} } = schema as Node;
  const silent = Object.entries(properties).flatMap(([key, node]) => [
    ...(node.description ? [] : [key]),
    ...(['budget', 'tuner', 'stop', 'quantisation'].includes(key)
      ? Object.entries(node.properties ?? {}).flatMap(([inner, { description }]) =>
          description ? [] : [`${key}.${inner}`],
        )
      : []),
  ]);
  assert.deepEqual(silent, []);
});

it('marks nothing that the coordinator takes', () => {
  const own = studySchemaFor(PARTS);
  const paths = fc.constantFrom<(string | number)[]>(
    ...[
      [
        'name',
        'workload',
        'scenario',
        'objectives',
        'constraints',
        'prefer',
        'recommend',
        'deterministic',
        'notes',
      ].map((key) => [key]),
      ['minEpochs', 'maxEpochs', 'minDataFraction', 'reductionFactor'].map((key) => ['budget', key]),
      ['mode', 'seed', 'rungSizing', 'initialCandidates'].map((key) => ['tuner', key]),
      ['trials', 'timeS', 'target', 'noImprovement'].map((key) => ['stop', key]),
      ['width', 'depth', 'block'].map((key) => ['space', 'model', key]),
    ].flat(),
  );
  const values = fc.oneof(
    fc.jsonValue(),
    fc.integer({ min: 1, max: 12 }),
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.constantFrom<unknown>(
      'latency <= 3 ms',
      ['accuracy >= 0.9'],
      [{ metric: 'energy', operator: '<=', limit: 1 }],
      ['minimize energy worst'],
      [{ metric: 'latency.p50', direction: 'minimize' }],
      'at most 2 % of accuracy',
      { atMost: '1 point of accuracy', weights: { energy: 2 } },
      { kind: 'offline' },
      { kind: 'server', arrivalsPerS: 3 },
      { type: 'float', min: 0, max: 1, step: 0.1, when: { block: 'residual' } },
      { type: 'boolean', initial: true },
      [{ width: 8 }],
    ),
  );
  let taken = 0;
  fc.assert(
    fc.property(paths, values, (path, value) => {
      const study = changed(readme, path, value);
      if (!own.safeParse(study).success) return;
      taken++;
      assert.equal(mistakes(study), '', path.join('.'));
    }),
    { numRuns: 2000 },
  );
  assert.ok(taken > 100, `${taken} studies were taken`);
});
