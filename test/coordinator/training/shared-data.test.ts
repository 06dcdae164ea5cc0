/** The data that lie beside the repository: every case that was misread, and whole data sets. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { readWav } from '../../../coordinator/training/datasets/decode/wav.ts';
import { readDataset } from '../../../coordinator/training/datasets/read-dataset.ts';
import { sharedData } from '../../support/data.ts';
import { countsOf, refused, saidOf } from './support/refusals.ts';

const CASES = join(import.meta.dirname, '../../../../shared/cases/data');
/** Path of a case; null: the test is skipped, aloud. */
function caseOf(t: TestContext, name: string): string | null {
  if (existsSync(CASES)) return join(CASES, name);
  t.skip('the shared cases are not here');
  return null;
}

const FOUR = { 0: 50, 1: 50, 2: 50, 3: 50 };
/** By name: settings beside the path, samples by class, and what is said. */
const READ: Readonly<Record<string, [settings: object, classes: object, said: RegExp]>> = {
  'label-first.csv': [{}, FOUR, /the first column is taken for the labels/],
  'float01.csv': [{ maxValue: 255 }, FOUR, /the study says that 255 is white.* 1 is taken for white/],
  'idx-labels-from-1': [{}, { 1: 60, 2: 60, 3: 60, 4: 60 }, /the labels are 1 to 4, not 0 to 3/],
  'idx-test-unseen-class': [{}, { 0: 57, 1: 57, 2: 58, 3: 58, 7: 10 }, /class "7" is in the test split only/],
  'header.csv': [{}, FOUR, /the column "label" is taken/],
  'semi.csv': [{}, FOUR, /the last column is taken/],
  'label-str.csv': [{}, { bird: 50, cat: 50, dog: 50, fish: 50 }, /holds texts: they are taken for the labels/],
  'ag-latin1': [
    {},
    { World: 120, Sports: 120 },
    /is no UTF-8: it is read as Windows-1252 \(Latin-1\), such as "Tïtle"/,
  ],
  'ag-bom': [{}, { World: 120, Sports: 120 }, /102 texts of the test split are in the training split/],
  'ag-header': [{}, { World: 120, Sports: 120 }, /no validation split/],
  imagefolder: [{}, { cat: 40, dog: 40 }, /have 16×16 pixels and keep them/],
};

describe('cases that were refused or misread', () => {
  for (const [name, [settings, classes, said]] of Object.entries(READ))
    it(`${name} is read as what it is`, async (t) => {
      const path = caseOf(t, name);
      if (!path) return;
      const read = await readDataset({ format: 'auto', path, ...settings });
      assert.deepEqual(countsOf(read), classes);
      assert.match(saidOf(read), said);
      const { values } = read.finished.data.train;
      if (values instanceof Uint8Array)
        assert.ok(
          values.some((value) => value > 200),
          'no picture is black',
        );
      else assert.ok(!String(values[0]).includes('\ufffd'));
    });

  it('wav: the extensible header is read, an empty file is refused by name', (t) => {
    const path = caseOf(t, 'wav');
    if (!path) return;
    const clip = (name: string) => readWav(name, readFileSync(join(path, name)));
    assert.deepEqual([clip('ext.wav').sampleRateHz, clip('ext.wav').samples.length], [8000, 8000]);
    assert.throws(() => clip('emptywav.wav'), refused(/emptywav\.wav has no audio/));
  });
});

/** By path: the format that is found, and the samples of each split. */
const WHOLE: Readonly<Record<string, [format: string, counts: number[]]>> = {
  'ag-news': ['ag-news-csv', [3400, 600, 800]],
  cifar10: ['cifar10-binary', [1530, 270, 400]],
  'cifar10/large-jpeg': ['cifar10-binary', [2975, 525, 700]],
  'digits/digits.csv': ['csv-images', [867, 153, 180]],
  'digits/digits.csv.gz': ['csv-images', [867, 153, 180]],
  'fashion-mnist': ['idx', [8500, 1500, 2000]],
  'spoken-digits': ['speech-commands', [600, 80, 120]],
};
/** What no workload learns from yet. */
const REFUSED: Readonly<Record<string, RegExp>> = {
  detection: /detection is in no format that is known: it holds pictures .*expected CLASS\/FILE/,
  digits: /several tables \(digits\.csv, digits\.csv\.gz\).*name the file itself/,
  'onnx-models': /onnx-models is in no format that is known: it holds 12 \.onnx/,
};

describe('whole data sets, their formats found out', () => {
  for (const [name, [format, counts]] of Object.entries(WHOLE))
    it(name, async (t) => {
      const path = sharedData(`datasets/${name}`);
      if (!path) return t.skip('the shared data are not here');
      const { dataset, finished, notices } = await readDataset({ format: 'auto', path });
      const { train, validation, test } = finished.data;
      assert.deepEqual(
        [dataset.format, [train, validation, test].map(({ labels }) => labels.length)],
        [format, counts],
      );
      assert.deepEqual(
        notices.list.filter(({ level }) => level === 'warning'),
        [],
      );
    });

  for (const [name, message] of Object.entries(REFUSED))
    it(`${name} is refused in words`, async (t) => {
      const path = sharedData(`datasets/${name}`);
      if (!path) return t.skip('the shared data are not here');
      await assert.rejects(readDataset({ format: 'auto', path }), refused(message));
    });
});
