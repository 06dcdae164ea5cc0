/** What a person reads where something does not fit its schema. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { errorText, mistakesIn, mistakesInLine } from '@edgetune/shared/domain/schema-mistakes.ts';
import { studySpecSchema } from '@edgetune/shared/domain/study.ts';
import fc from 'fast-check';
import { z } from 'zod';

const said = (schema: z.ZodType, value: unknown): string => {
  const { error } = schema.safeParse(value);
  assert.ok(error, `${JSON.stringify(value)} fits`);
  return mistakesInLine(error);
};

/** How zod's own messages begin or go on (zod/v4/locales/en). */
const RAW = /Invalid|Too (small|big)|expected|received|Unrecognized|\bZod|>=/;

it('says what must be there instead, and of what kind it is', () => {
  const cases: [z.ZodType, unknown, string][] = [
    [z.string(), 7, 'must be a text, not a number'],
    [z.string(), null, 'must be a text, not nothing'],
    [z.object({ name: z.string() }), {}, 'name: is missing: it must be a text'],
    [z.object({ name: z.string() }), [], 'must be keys with values, not a list'],
    [z.int(), 1.5, 'must be a whole number'],
    [z.number(), '7', 'must be a number, not a text'],
    [z.number(), Number.NaN, 'must be a number, not NaN'],
    [z.array(z.boolean()), [true, 'no'], '1: must be true or false, not a text'],
    [z.enum(['asha', 'none']), 'ash', 'must be one of asha, none; did you mean "asha"?'],
    [z.enum(['asha', 'none']), undefined, 'is missing: it must be one of asha, none'],
    [z.literal('int8'), 'int4', 'must be int8'],
    [z.string().min(1), '', 'must not be empty'],
    [z.string().min(16), 'secret', 'must have at least 16 characters'],
    [z.string().max(3), 'secret', 'must have at most 3 characters'],
    [z.array(z.int()).length(2), [1], 'must have exactly 2 entries'],
    [z.number().min(2), 1, 'must be at least 2'],
    [z.number().positive(), 0, 'must be greater than 0'],
    [z.number().max(2), 3, 'must be at most 2'],
    [z.number().lt(2), 2, 'must be less than 2'],
    [z.number().multipleOf(4), 6, 'must be a multiple of 4'],
    [z.url(), 'nowhere', 'must be of the form "url"'],
    [z.string().regex(/^d-/), 'e', 'must be of the form /^d-/'],
    [z.string().regex(/^d-/, 'an id begins with d-'), 'e', 'an id begins with d-'],
    [
      z.record(z.string().regex(/^a/, 'begins with a'), z.int()),
      { b: 1 },
      'b: has a key that cannot be used: begins with a',
    ],
    [z.union([z.string(), z.array(z.string())]), 7, 'must be a text, not a number, or must be a list, not a number'],
  ];
  for (const [schema, value, words] of cases) assert.equal(said(schema, value), words);
});

it('names each unknown key by itself', () => {
  const error = z.strictObject({ budget: z.strictObject({ epochs: z.int() }) }).safeParse({
    budget: { epochs: 1, epoch: 2, 'with "quotes"': 3 },
    tunr: {},
  }).error as z.ZodError;
  assert.deepEqual(mistakesIn(error), [
    { path: ['budget', 'epoch'], message: 'unknown key "epoch": use one of epochs; did you mean "epochs"?' },
    { path: ['budget', 'with "quotes"'], message: 'unknown key "with \\"quotes\\"": use one of epochs' },
    { path: ['tunr'], message: 'unknown key "tunr": use one of budget' },
  ]);
});

it('of the forms that a value may have, that one speaks which fits furthest', () => {
  const form = z.union([z.string(), z.object({ metric: z.string(), over: z.object({ devices: z.int() }) })]);
  assert.equal(
    said(form, { metric: 'latency', over: { devices: 'all' } }),
    'over.devices: must be a number, not a text',
  );
  const kinds = z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('offline') }),
    z.object({ kind: z.literal('server'), arrivalsPerS: z.number() }),
  ]);
  assert.equal(said(kinds, { kind: 'of-line' }), 'kind: must be one of offline, server; did you mean "offline"?');
  assert.equal(said(kinds, { kind: 'server' }), 'arrivalsPerS: is missing: it must be a number');
});

it('never speaks as the library does, whatever a study holds', () => {
  const { budget, tuner, scenario, dataset } = studySpecSchema.shape;
  const value = fc.oneof(
    fc.jsonValue(),
    fc.record({
      format: fc.constantFrom('idx', 'csv-images'),
      path: fc.jsonValue(),
      kind: fc.constantFrom('server', 'x'),
    }),
    fc.record({ minEpochs: fc.jsonValue(), maxDataFraction: fc.double(), seed: fc.double(), mode: fc.string() }),
  );
  const schemas = fc.constantFrom<z.ZodType>(studySpecSchema, budget, tuner, scenario, dataset);
  fc.assert(
    fc.property(schemas, value, (schema, given) => {
      for (const { message } of mistakesIn(schema.safeParse(given).error ?? { issues: [] })) {
        // What was given may be repeated by a schema's own words.
        assert.doesNotMatch(message.replaceAll(/".*"/g, ''), RAW);
        assert.notEqual(message, '');
      }
    }),
  );
});

it('an error that nobody caught is told in words, too', () => {
  assert.equal(
    errorText(z.object({ threads: z.int().min(1) }).safeParse({ threads: 0 }).error),
    'threads: must be at least 1',
  );
  assert.equal(errorText(new Error('no such file')), 'no such file');
});
