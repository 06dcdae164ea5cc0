/** The schema of a new study: with the names, and the settings of formats, that it is given. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mistakesInLine } from '@edgetune/shared/domain/schema-mistakes.ts';
import {
  formatMismatch,
  formatsFor,
  type StudyParts,
  settingsOf,
  studySchemaFor,
  tunerSettingsSchemaFor,
} from '@edgetune/shared/domain/study-parts.ts';
import { z } from 'zod';

const space = { model: {}, training: {}, system: {}, inference: {} };
const of = (name: string) => ({ name, description: `${name} of this test` });
const images = { ...of('photos'), holds: 'images', settings: z.object({ path: z.string() }) };
const flags = {
  ...of('flags'),
  holds: 'images',
  settings: z.object({
    path: z.string().meta({ description: 'a folder', examples: ['/path/to/flags', '/other'] }),
    stripes: z.int().min(2).default(3).describe('colours'),
    size: z.union([z.number(), z.string()]).optional(),
  }),
};
const constants = z.object({
  kind: z.literal('given elsewhere'),
  sizes: z.array(z.int()),
  mixed: z.array(z.union([z.string(), z.number()])).optional(),
});
const songs = { ...of('songs'), holds: 'sounds', settings: z.object({}) };
const PARTS: StudyParts = {
  workloads: [
    {
      ...of('image-classifier'),
      takes: 'images',
      possible: { model: {}, training: {}, system: {} },
      defaultSpace: space,
      exampleYaml: '',
    },
    {
      ...of('listener'),
      takes: 'sounds',
      possible: { model: {}, training: {}, system: {} },
      defaultSpace: space,
      exampleYaml: '',
    },
  ],
  formats: [images, flags, songs],
  samplers: [of('auto'), of('slow')],
  schedulers: [of('auto'), of('fair')],
};

const STUDY = { name: 'x', devices: ['pi'], dataset: { format: 'photos', path: '/data' } };
const schema = studySchemaFor(PARTS);
const parsed = (change: object) => schema.parse({ ...STUDY, ...change });
const mistakes = (change: object) => {
  const { error } = schema.safeParse({ ...STUDY, ...change });
  return error ? mistakesInLine(error) : '';
};

describe('the schema of a new study', () => {
  it('takes the names that there are, and has the defaults of every study', () => {
    const { workload, tuner, dataset } = parsed({});
    assert.deepEqual([workload, tuner.sampler, tuner.scheduler], ['image-classifier', 'auto', 'auto']);
    assert.deepEqual(dataset, STUDY.dataset);
    const named = parsed({ workload: 'listener', tuner: { sampler: 'slow', scheduler: 'fair' } });
    assert.deepEqual([named.workload, named.tuner.sampler, named.tuner.scheduler], ['listener', 'slow', 'fair']);
    assert.equal(named.tuner.mode, 'onefold');
  });

  it('refuses others, each at its place and with the list', () => {
    assert.equal(
      mistakes({ workload: 'w', tuner: { sampler: 's', scheduler: 5 }, dataset: { format: 'd' } }),
      [
        'workload: unknown workload "w": use one of image-classifier, listener',
        'dataset.format: unknown data format "d": use one of photos, flags, songs',
        'tuner.sampler: unknown sampler "s": use one of auto, slow',
        'tuner.scheduler: unknown scheduler "5": use one of auto, fair',
      ].join('; '),
    );
    assert.equal(
      mistakes({ dataset: {} }),
      'dataset.path: is missing: name a folder, a file or a ZIP archive, or a format',
    );
    // Its settings are known when the format is found out.
    assert.deepEqual(parsed({ dataset: { path: '/data', size: 3 } }).dataset, {
      format: 'auto',
      path: '/data',
      size: 3,
    });
    assert.match(mistakes({ dataset: null }), /^dataset: must be keys with values, not nothing$/);
  });

  it('has the settings of the format, their defaults and limits, and no other key', () => {
    assert.deepEqual(parsed({ dataset: { format: 'flags', path: '/data' } }).dataset, {
      format: 'flags',
      path: '/data',
      stripes: 3,
    });
    assert.equal(
      mistakes({ dataset: { format: 'flags', stripes: 1, colour: 'red' } }),
      'dataset.path: is missing: it must be a text; dataset.stripes: must be at least 2; dataset.colour: unknown key "colour": use one of path, stripes, size, format',
    );
  });

  it('still checks what several keys say together', () => {
    assert.match(mistakes({ budget: { minEpochs: 10 } }), /^budget\.minEpochs: must be at most maxEpochs \(9\)$/);
  });

  it('says what each name stands for', () => {
    const { workload, dataset, tuner } = schema.shape;
    assert.equal(
      workload.description,
      'What is trained\n- image-classifier: image-classifier of this test\n- listener: listener of this test',
    );
    assert.match(dataset.description ?? '', /^Where .*\n- photos: photos of this test\n- flags: .*\n- songs: .*$/);
    assert.match(tuner.description ?? '', /search/);
    const { sampler, scheduler } = tunerSettingsSchemaFor(PARTS).shape;
    assert.match(sampler.description ?? '', /\n- auto: auto of this test\n- slow: slow of this test$/);
    assert.match(scheduler.description ?? '', /\n- auto: auto of this test\n- fair: fair of this test$/);
  });
});

describe('data formats and workloads', () => {
  it('meet by the kind of data', () => {
    const [classifier, listener] = PARTS.workloads as [StudyParts['workloads'][0], StudyParts['workloads'][0]];
    assert.deepEqual(formatsFor(classifier, PARTS.formats), [images, flags]);
    assert.equal(formatMismatch(classifier, flags, PARTS.formats), null);
    assert.equal(
      formatMismatch(classifier, songs, PARTS.formats),
      'a data set of format songs holds sounds; the workload image-classifier takes images: use photos, flags',
    );
    assert.match(formatMismatch(listener, images, PARTS.formats) ?? '', /takes sounds: use songs$/);
  });

  it('say what each setting is, whether it must be given, and what to start from', () => {
    assert.deepEqual(settingsOf(flags), [
      { name: 'path', description: 'a folder', type: 'string', required: true, example: '/path/to/flags' },
      { name: 'stripes', description: 'colours', type: 'integer', required: false, otherwise: 3 },
      { name: 'size', description: '', type: null, required: false },
    ]);
    assert.deepEqual(settingsOf(songs), []);
    assert.deepEqual(
      settingsOf({ settings: constants }).map(({ description: _, ...rest }) => rest),
      [
        { name: 'sizes', type: 'array', itemType: 'integer', required: true },
        { name: 'mixed', type: 'array', required: false },
      ],
      'a constant is no setting',
    );
  });
});
