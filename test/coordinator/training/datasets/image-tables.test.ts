/** Images as tables of numbers: where the label stands, what is white, how it is written. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { ReadDataset } from '../../../../coordinator/training/datasets/read-dataset.ts';
import { countsOf, readFile, readFolder, refused, saidOf } from '../support/refusals.ts';
import { BARS, barRows } from '../support/small-datasets.ts';

const NAMES = Array.from({ length: 16 }, (_, i) => `pixel${i}`);
const COUNTS = { 0: 100, 1: 100 };
/** Bright above is class 0: so that no pixel was taken for the label. */
function isRight({ finished: { data } }: ReadDataset, first = '0'): void {
  const values = data.train.values as Uint8Array;
  for (const [index, label] of data.train.labels.entries()) {
    const [above, below] = [values[16 * index + 1] as number, values[16 * index + 9] as number];
    assert.equal(data.classes[label] === first, above > below, `image ${index}`);
  }
}

describe('a table of images', () => {
  it('has its label last or first, with a header or without, between commas, semicolons or tabs, packed or not', async (t) => {
    const first = BARS.map(({ label, pixels }) => [label, ...pixels]);
    const last = BARS.map(({ label, pixels }) => [...pixels, label]);
    for (const separator of [',', ';', '\t', '|'])
      for (const [rows, header] of [
        [last, null],
        [first, null],
        [last, [...NAMES, 'label']],
        [first, ['label', ...NAMES]],
        [first, ['Class', ...NAMES]],
      ] as const) {
        const text = [...(header ? [header] : []), ...rows].map((row) => row.join(separator)).join('\r\n');
        const read = await readFile(t, 'x.csv', text);
        assert.deepEqual(countsOf(read), COUNTS, `${separator} ${header}`);
        isRight(read);
      }
    isRight(await readFile(t, 'x.csv.gz', gzipSync(barRows())));
    isRight(await readFile(t, 'x.csv', `\ufeff${NAMES.map((name) => `"${name}"`).join(',')},"label"\n${barRows()}`));
  });

  it('says which column is taken for the label, and asks where it is not clear', async (t) => {
    assert.match(
      saidOf(await readFile(t, 'x.csv', barRows())),
      /the last column is taken for the labels: it has 2 values/,
    );
    // Of two values, both the first and the last column.
    const both = BARS.map(({ label, pixels }) => [label, ...pixels.slice(1), label].join(',')).join('\n');
    await assert.rejects(
      readFile(t, 'x.csv', both),
      refused(/first column \(2 values\) or in the last \(2 values\): say "labelColumn: 1" or "labelColumn: 17"/),
    );
    isRight(await readFile(t, 'x.csv', both, { labelColumn: 17 }));
    const named = [[...NAMES, 'what'], ...BARS.map(({ label, pixels }) => [...pixels, label])]
      .map((row) => row.join(','))
      .join('\n');
    isRight(await readFile(t, 'x.csv', named, { labelColumn: 'what' }));
    await assert.rejects(
      readFile(t, 'x.csv', named, { labelColumn: 'whta' }),
      refused(/no column "whta": it has pixel0/),
    );
    const noise = BARS.map((_, i) =>
      Array.from({ length: 17 }, (__, at) => ((i + 1) * (at + 3) * 7919) % 251).join(','),
    ).join('\n');
    await assert.rejects(readFile(t, 'x.csv', noise), refused(/say "labelColumn: 1"/));
  });

  it('labels that are texts become the names of the classes', async (t) => {
    const rows = BARS.map(({ label, pixels }) => [...pixels, ['cat', 'dog'][label]].join(',')).join('\n');
    const read = await readFile(t, 'x.csv', rows);
    assert.deepEqual(countsOf(read), { cat: 100, dog: 100 });
    isRight(read, 'cat');
  });

  it('what is white is taken from the values, and said; a stated white that they never come near is not believed', async (t) => {
    const scaled = (by: number) =>
      BARS.map(({ label, pixels }) => [...pixels.map((value) => value * by), label].join(',')).join('\n');
    const bytes = (await readFile(t, 'x.csv', barRows())).finished.data.train.values;
    const fractions = await readFile(t, 'x.csv', scaled(1 / 255));
    assert.deepEqual(fractions.finished.data.train.values, bytes);
    assert.match(saidOf(fractions), /note: the pixels lie between 0 and 0\.9765: 1 is taken for white/);
    const black = await readFile(t, 'x.csv', scaled(1 / 255), { maxValue: 255 });
    assert.deepEqual(black.finished.data.train.values, bytes);
    assert.match(saidOf(black), /warning: .*the study says that 255 is white.* 1 is taken for white/);
    assert.deepEqual((await readFile(t, 'x.csv', scaled(257))).finished.data.train.values, bytes);
    const standardised = await readFile(
      t,
      'x.csv',
      BARS.map(({ label, pixels }) => [...pixels.map((value) => value / 50 - 2), label].join(',')).join('\n'),
    );
    assert.match(saidOf(standardised), /warning: the pixels lie between -2 and 2\.98: -2 is taken for black/);
    await assert.rejects(readFile(t, 'x.csv', barRows(), { maxValue: 100 }), refused(/beyond maxValue 100/));
  });

  it('decimal commas of a spreadsheet are numbers', async (t) => {
    const rows = BARS.map(({ label, pixels }) =>
      [...pixels.map((value) => String(value / 255).replace('.', ',')), label].join(';'),
    ).join('\n');
    isRight(await readFile(t, 'x.csv', rows));
  });

  it('splits are files of their names; one without labels is said and left out', async (t) => {
    const part = (from: number, to: number) =>
      BARS.slice(from, to)
        .map(({ label, pixels }) => [label, ...pixels].join(','))
        .join('\n');
    const header = ['label', ...NAMES].join(',');
    const read = await readFolder(t, {
      'mnist_train.csv': `${header}\n${part(0, 160)}`,
      'mnist_test.csv': `${header}\n${part(160, 200)}`,
    });
    assert.deepEqual(read.finished.cut, ['validation']);
    assert.equal(read.finished.data.test.labels.length, 40);
    const unlabelled = BARS.slice(160)
      .map(({ pixels }) => pixels.join(','))
      .join('\n');
    const kaggle = await readFolder(t, {
      'train.csv': `${header}\n${part(0, 160)}`,
      'test.csv': `${NAMES.join(',')}\n${unlabelled}`,
    });
    assert.match(saidOf(kaggle), /test\.csv has one column fewer .* no labels therefore, and is left out/);
    assert.deepEqual(kaggle.finished.cut, ['validation', 'test']);
  });

  it('names row and column of what it cannot read, and what does not fit together', async (t) => {
    const bad = (change: (rows: string[]) => unknown, settings = {}) => {
      const rows = barRows().split('\n');
      change(rows);
      return readFile(t, 'x.csv', rows.join('\n'), { format: 'csv-images', ...settings });
    };
    const set = (text: string) => (rows: string[]) => {
      rows[4] = (rows[4] as string).replace(/^[^,]*/, text);
    };
    await assert.rejects(
      bad((rows) => rows.splice(0)),
      refused(/x\.csv has no rows/),
    );
    for (const text of ['x', '', 'NaN', 'inf'])
      await assert.rejects(bad(set(text)), refused(/x\.csv, row 5, column 1: expected a number, not/));
    await assert.rejects(
      bad((rows) => rows.splice(7, 1, '1,2,3')),
      refused(/row 8: 3 columns, the others have 17/),
    );
    await assert.rejects(
      bad(() => {}, { width: 5, height: 4 }),
      refused(/17 columns, but 5×4 pixels and a label are 21/),
    );
    await assert.rejects(
      bad((rows) =>
        rows.forEach((row, i) => {
          rows[i] = `0,${row}`;
        }),
      ),
      refused(/17 columns of pixels, which is no square: say width and height/),
    );
    await assert.rejects(
      bad((rows) => rows.splice(1)),
      refused(/first column \(1 values\)/),
    );
  });

  it('images are resized where the study says so', async (t) => {
    const { data } = (await readFile(t, 'x.csv', barRows(), { imageSize: 8 })).finished;
    assert.ok('width' in data);
    assert.deepEqual([data.width, data.height], [8, 8]);
  });
});
