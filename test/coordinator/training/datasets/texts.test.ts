/** Texts as tables and as JSON: their columns, their encoding, their quotes. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { eachRow, openTable } from '../../../../coordinator/training/datasets/decode/table.ts';
import { BUCKETS, bucketsOf, fnv1a } from '../../../../coordinator/training/datasets/hashed-words.ts';
import { countsOf, readFile, readFolder, refused, saidOf } from '../support/refusals.ts';
import { TEXTS } from '../support/small-datasets.ts';

const COUNTS = { business: 200, sport: 200 };
const table = (rows: readonly (readonly unknown[])[], separator = ',') =>
  rows.map((row) => row.map((cell) => `"${String(cell).replaceAll('"', '""')}"`).join(separator)).join('\n');
const rows = TEXTS.map(({ label, text }) => [label, text]);

describe('rows of a table', () => {
  it('are read back as they were written, with quotes, commas and line ends inside', () => {
    const cell = fc.string({ unit: fc.constantFrom('a', 'é', '"', ',', '\n', ' ') }).map((text) => `x${text}`);
    const cells = fc.array(fc.array(cell, { minLength: 3, maxLength: 3 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(cells, fc.constantFrom('\n', '\r\n'), (expected, end) => {
        const text = expected.map((row) => table([row]) + end).join('');
        const found: string[][] = [];
        eachRow({ path: 'x.csv', text, separator: ',' }, (row) => void found.push(row));
        assert.deepEqual(found, expected);
      }),
    );
  });

  it('a quote that is not closed is named with its row', () => {
    const read = (text: string) => () => eachRow({ path: 'x.csv', text, separator: ',' }, () => undefined);
    assert.throws(read('"1","a\nb"\n"2","c'), refused(/x\.csv, row 2, column 2: a quote is not closed/));
    assert.throws(read('"1","a"b"\n"2","c"\n'), refused(/x\.csv, row 1, column 2: a quote/));
  });

  it('the separator is the one that makes the same columns of all rows', () => {
    for (const separator of [',', ';', '\t', '|']) {
      const text = table(
        [
          ['a, b; c', 'x'],
          ['d, e, f', 'y'],
          ['g; h', 'z'],
        ],
        separator,
      );
      assert.deepEqual([openTable('x', text).separator, openTable('x', text).columns], [separator, 2]);
    }
  });
});

describe('a table of texts', () => {
  it('has its labels in any column, by numbers or texts, with a header or without', async (t) => {
    const reversed = rows.map((row) => [...row].reverse());
    for (const [cells, header] of [
      [rows, ['category', 'text']],
      [reversed, ['review', 'sentiment']],
      [rows, ['v1', 'v2']],
      [rows, null],
      [reversed, null],
    ] as const) {
      const read = await readFile(t, 'x.csv', table(header ? [header, ...cells] : cells));
      assert.deepEqual(countsOf(read), COUNTS, String(header));
      assert.match(read.finished.data.train.values[0] as string, /^the \w+ of \w+ and day \d+$/);
    }
    const numbers = await readFile(
      t,
      'x.csv',
      table([['label', 'text'], ...rows.map(([label, text]) => [label === 'sport' ? 0 : 1, text])]),
    );
    assert.deepEqual(numbers.finished.data.classes, ['0', '1']);
  });

  it('what is neither label nor text is left out, and which columns are taken is said', async (t) => {
    const cells = rows.map(([label, text], i) => [i, text, `by author ${i % 90}`, label]);
    const read = await readFile(t, 'x.csv', table([['id', 'title', 'author', 'label'], ...cells]));
    assert.match(saidOf(read), /the labels are those of "label", the texts those of "title"; left out: "id", "author"/);
    const both = await readFile(t, 'x.csv', table([['id', 'title', 'author', 'label'], ...cells]), {
      textColumns: ['title', 'author'],
    });
    assert.match(both.finished.data.train.values[0] as string, /^the .* day \d+ by author \d+$/);
    await assert.rejects(
      readFile(t, 'x.csv', table(rows.map(([label, text], i) => [label, text, ['new', 'old'][i % 2]]))),
      refused(/the labels may be column 1 \(2 values\) or column 3 \(2 values\): say which by labelColumn/),
    );
    await assert.rejects(
      readFile(t, 'x.csv', table(rows.map(([, text]) => [text, `${text}!`]))),
      refused(/no column looks like labels/),
    );
  });

  it('in Latin-1 it is read as that, and said; in what nobody knows it is refused; a byte order mark is none of its letters', async (t) => {
    const accented = rows.map(([label, text]) => [label === 'sport' ? 'café' : 'büro', `${text} déjà vu`]);
    const text = table([['label', 'text'], ...accented]);
    const latin = await readFile(t, 'x.csv', Buffer.from(text, 'latin1'));
    assert.deepEqual(countsOf(latin), { büro: 200, café: 200 });
    assert.match(
      saidOf(latin),
      /warning: .*x\.csv is no UTF-8: it is read as Windows-1252 \(Latin-1\), such as "café"/,
    );
    for (const bytes of [
      Buffer.from(text),
      Buffer.from(`\ufeff${text}`),
      Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')]),
    ]) {
      const read = await readFile(t, 'x.csv', bytes);
      assert.deepEqual(read.finished.data, latin.finished.data);
      assert.ok(!saidOf(read).includes('Latin'));
    }
    // "日本" in Shift JIS.
    const japanese = Buffer.concat(
      accented.map(([label], i) =>
        Buffer.concat([
          Buffer.from(`"${label === 'café' ? 'a' : 'b'}","`),
          Buffer.from([0x93, 0xfa, 0x96, 0x7b, 0x8c, 0xea, 0x81, 0x41]),
          Buffer.from(`${i}"\n`),
        ]),
      ),
    );
    await assert.rejects(readFile(t, 'x.csv', japanese), refused(/neither UTF-8 nor Latin-1: say its encoding/));
    const said = await readFile(t, 'x.csv', japanese, { encoding: 'shift_jis', labelColumn: 1, textColumns: '2' });
    assert.match(said.finished.data.train.values[0] as string, /^日本語、\d+$/);
    await assert.rejects(readFile(t, 'x.csv', text, { encoding: 'klingon' }), refused(/unknown encoding "klingon"/));
    await assert.rejects(readFile(t, 'x.csv', text.replace('déjà', 'd\0j')), refused(/no text: it holds zero bytes/));
  });

  it('names the row that has another number of columns, and leaves out rows without a label', async (t) => {
    await assert.rejects(
      readFile(t, 'x.csv', `${table([['label', 'text'], ...rows])}\n"sport","a","b"`),
      refused(/row 402: 3 columns, the others have 2/),
    );
    const read = await readFile(t, 'x.csv', `${table([['label', 'text'], ...rows])}\n"","nobody knows"`);
    assert.match(saidOf(read), /1 row without a label is left out/);
  });

  it('a table of file names is no table of texts', async (t) => {
    const files = table([['label', 'text'], ...rows.map(([label], i) => [label, `img_${i}.png`])]);
    await assert.rejects(readFile(t, 'x.csv', files), refused(/"text" holds names of files, no texts/));
  });

  it('splits are files of their names', async (t) => {
    const files = {
      'train.csv': table([['label', 'text'], ...rows.slice(0, 300)]),
      'test.csv': table([['label', 'text'], ...rows.slice(300)]),
    };
    const read = await readFolder(t, { ...files, 'readme.txt': 'x' });
    assert.deepEqual([read.finished.cut, read.finished.data.test.labels.length], [['validation'], 100]);
    await assert.rejects(
      readFolder(t, { ...files, 'test.csv': 'label,text,more\na,b,c\n' }),
      refused(/test\.csv has 3 columns, .*train\.csv has 2/),
    );
  });
});

describe('AG News', () => {
  const ag = (count: number, from = 0) => Array.from({ length: count }, (_, i) => [1 + (i % 2), `t${from + i}`, 'd']);
  const folder = (
    t: Parameters<typeof readFolder>[0],
    train: string,
    classes = 'World\nSports\n',
    test = table(ag(10, 900)),
  ) => readFolder(t, { 'train.csv': train, 'test.csv': test, 'classes.txt': classes });

  it("is read with Kaggle's header or without, with a byte order mark or without", async (t) => {
    const plain = await folder(t, table(ag(100)));
    assert.deepEqual(countsOf(plain), { World: 55, Sports: 55 });
    assert.equal(plain.dataset.format, 'ag-news-csv');
    const header = 'Class Index,Title,Description\n';
    for (const prefix of ['\ufeff', header, `\ufeff${header}`]) {
      const read = await folder(t, prefix + table(ag(100)), undefined, prefix + table(ag(10, 900)));
      assert.deepEqual(read.finished.data, plain.finished.data, prefix);
    }
    assert.equal(plain.finished.data.test.values[3], 't903 d');
    assert.ok([7, 8].includes(plain.finished.data.validation.labels.filter((label) => label === 1).length));
  });

  it('refuses what is damaged or does not fit, with file and row', async (t) => {
    await assert.rejects(folder(t, ''), refused(/train\.csv has no rows/));
    await assert.rejects(folder(t, `${table(ag(4))}\n"1","title"\n`), refused(/train\.csv, row 5: 2 columns/));
    await assert.rejects(
      folder(t, `${table(ag(40))}\n"x","a","b"\n`),
      refused(/train\.csv row 41: the class is "x", expected a whole number from 1/),
    );
    await assert.rejects(
      folder(t, table([...ag(40), [3, 'a', 'b']])),
      refused(/classes\.txt names 2 classes, but the labels are 1 to 3/),
    );
    await assert.rejects(
      folder(t, table([...ag(40), [0, 'a', 'b']])),
      refused(/the class is "0", expected a whole number from 1/),
    );
  });
});

describe('texts as JSON', () => {
  const lines = (objects: readonly object[]) => objects.map((each) => JSON.stringify(each)).join('\n');

  it('an object a line or a list of objects; labels are texts, numbers or true and false', async (t) => {
    assert.deepEqual(countsOf(await readFile(t, 'x.jsonl', lines(TEXTS))), COUNTS);
    assert.deepEqual(countsOf(await readFile(t, 'x.json', JSON.stringify(TEXTS))), COUNTS);
    const flags = TEXTS.map(({ label, text }) => ({
      sentence: text,
      label: label === 'sport',
      tokens: [1, 2],
      meta: { a: 1 },
    }));
    assert.deepEqual(countsOf(await readFile(t, 'x.jsonl', lines(flags))), { false: 200, true: 200 });
    const numbers = TEXTS.map(({ label, text }) => ({ idx: 7, text, label: label === 'sport' ? 0 : 1 }));
    assert.deepEqual((await readFile(t, 'x.jsonl', lines(numbers))).finished.data.classes, ['0', '1']);
  });

  it('names the line that is none', async (t) => {
    await assert.rejects(
      readFile(t, 'x.jsonl', `${lines(TEXTS.slice(0, 2))}\n{"text": `),
      refused(/x\.jsonl, line 3: no JSON/),
    );
    await assert.rejects(
      readFile(t, 'x.jsonl', `${lines(TEXTS)}\n[1, 2]`),
      refused(/x\.jsonl, line 401: expected an object/),
    );
    await assert.rejects(readFile(t, 'x.jsonl', '\n\n'), refused(/has no lines/));
    await assert.rejects(readFile(t, 'x.jsonl', lines([{ text: 'a' }, { text: 'b' }])), refused(/no two keys/));
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
