import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseCsv, readAgNews } from '../../../../coordinator/training/datasets/ag-news.ts';
import { BUCKETS, bucketsOf, fnv1a } from '../../../../coordinator/training/datasets/hashed-words.ts';
import { DatasetError } from '../../../../coordinator/training/training-service.ts';
import { sharedData } from '../../../support/data.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const refused = (message: RegExp) => (error: unknown) => error instanceof DatasetError && message.test(error.message);
const rows = (count: number) => Array.from({ length: count }, (_, i) => `"${1 + (i % 2)}","t${i}","d"\n`).join('');

describe('CSV', () => {
  it('reads back whatever was written, with quotes, commas and line ends inside', () => {
    const cell = fc.string({ unit: fc.constantFrom('a', 'é', '"', ',', '\n', ' ') });
    const table = fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(table, fc.constantFrom('\n', '\r\n'), (expected, end) => {
        const text = expected
          .map((cells) => cells.map((value) => `"${value.replaceAll('"', '""')}"`).join(',') + end)
          .join('');
        assert.deepEqual(
          parseCsv('x.csv', text).map(({ cells }) => cells),
          expected,
        );
      }),
    );
  });

  it('names the line of a quote that is not closed', () => {
    assert.throws(() => parseCsv('x.csv', '"1","a\nb"\n"2","c'), refused(/x\.csv, line 3, column 2: a quote/));
    assert.throws(() => parseCsv('x.csv', '"1","a"b"\n'), refused(/x\.csv, line 1, column 2: a quote/));
  });
});

describe('AG News', () => {
  it('cuts the validation split from the training rows, every class in its share', (t) => {
    const { classes, train, validation, test } = readAgNews(
      temporaryFolder(t, { 'train.csv': rows(100), 'test.csv': rows(10), 'classes.txt': 'World\nSports\n' }),
    );
    assert.deepEqual(classes, ['World', 'Sports']);
    assert.deepEqual(
      [train, validation, test].map(({ texts }) => texts.length),
      [85, 15, 10],
    );
    assert.equal(new Set([...train.texts, ...validation.texts]).size, 100);
    const second = validation.labels.filter((label) => label === 1).length;
    assert.ok(second === 7 || second === 8, `${second} of 15`);
    assert.equal(test.texts[3], 't3 d');
  });

  it('refuses what is damaged or does not fit, with file and line', (t) => {
    const folder = (train: string, classes = 'a\nb\n') =>
      temporaryFolder(t, { 'train.csv': train, 'test.csv': rows(4), 'classes.txt': classes });
    assert.throws(() => readAgNews(temporaryFolder(t)), refused(/train\.csv does not exist/));
    assert.throws(() => readAgNews(folder('')), refused(/train\.csv has no rows/));
    assert.throws(() => readAgNews(folder(`${rows(2)}"1","title"\n`)), refused(/train\.csv, line 3: 2 columns/));
    assert.throws(() => readAgNews(folder('"x","a","b"\n')), refused(/line 1: the class is "x"/));
    assert.throws(() => readAgNews(folder('"3","a","b"\n')), refused(/names 2 classes, .* up to 3/));
  });

  it('reads the shared data', (t) => {
    const path = sharedData('datasets/ag-news');
    if (!path) return t.skip('the shared data are not here');
    const { classes, train, validation, test } = readAgNews(path);
    assert.deepEqual(classes, ['World', 'Sports', 'Business', 'Sci/Tech']);
    assert.deepEqual(
      [train, validation, test].map(({ texts }) => texts.length),
      [3400, 600, 800],
    );
  });
});

describe('hashed words', () => {
  it('FNV-1a as its authors publish it', () => {
    // Test vectors of http://www.isthe.com/chongo/src/fnv/test_fnv.c.
    assert.deepEqual(['', 'a', 'foobar'].map(fnv1a), [0x811c9dc5, 0xe40c292c, 0xbf9cf968]);
  });

  it('words are runs of letters and digits, in lower case', () => {
    assert.deepEqual(
      bucketsOf('Über 42–it’s!'),
      Uint16Array.from(['über', '42', 'it', 's'], (word) => fnv1a(word) % BUCKETS),
    );
  });
});
