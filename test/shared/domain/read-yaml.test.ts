/** The one reader of YAML: bounded, and with words of its own. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mistakeText, readYaml } from '@edgetune/shared/domain/read-yaml.ts';
import fc from 'fast-check';
import { parseDocument } from 'yaml';

const said = (text: string) => readYaml(text).mistakes.map(mistakeText).join('\n');

/** Texts that are no YAML, and what is said of them. */
const BROKEN: readonly (readonly [string, RegExp])[] = [
  ['a: 1\nb: [1, 2\nc: 3\n', /^line 3, column 1: a bracket that was opened before this line is not closed/],
  ['a: "x\nb: 1\n', /^line 1, column 4: a closing " is missing, in: a: "x$/m],
  ["a: 'x\nb: 1\n", /a closing ' is missing/],
  ['name: a\n  stop: 1\n', /line 1, column 7: .*another key.*same line.*, in: name: a$/m],
  ['a: b: c\n', /^line 1, column 4: a key is followed by another key, .*, in: a: b: c/],
  ['a:\n\t- 1\n', /line 2, column 1: a tab indents this line: use spaces, in: - 1/],
  ['a: @x\n', /a text cannot begin with this character: put it in quotes, in: a: @x/],
  ['a: %x\n', /a text cannot begin with this character/],
  ['a: "\\q"\n', /a backslash begins something that is not known/],
  ['a: 1\nb\nc: 2\n', /line 2, column 1: .*, in: b/],
  ['a: !pi x\n', /a tag \(!name\) that is not known/],
  ['a: 1\n---\nb: 2\n', /a second document begins here/],
  ['a: [1,, 2]\n', /line 1, column 7: this does not belong here/],
  ['a: {b: 1 c: 2}\n', /line 1/],
  ['a:\n  - 1\n - 2\n', /the indentation is wrong|begin with "- "/],
  ['a: [\n- 1\n]\n', /within \[ \] or \{ \}|does not belong here/],
  ['a: &x &y 1\n', /two anchors/],
  ['a: !!str !!int 1\n', /two tags/],
  ['a: 1 #x\nb: "y"#z\n', /a space is missing before a "#"/],
  ['a: "x" y\n', /does not belong here/],
  ['? [a]\n: 1\n', /^$/],
];

describe('a text that is no YAML', () => {
  for (const [text, words] of BROKEN)
    it(`is told of in words of our own: ${JSON.stringify(text)}`, () => {
      assert.match(said(text), words);
    });

  it('never shows the words of the library', () => {
    const piece = fc.constantFrom(...'ab:-[]{},"\'|>&*!%@`#?\n\t \\'.split(''), ': ', '\n  ', '- ', 'key: ', '---\n');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (parts) => {
        const text = parts.join('');
        const { mistakes, values } = readYaml(text);
        const theirs = parseDocument(text, { prettyErrors: false });
        for (const { message } of [...theirs.errors, ...theirs.warnings])
          for (const mistake of mistakes) assert.ok(!mistake.message.includes(message), mistake.message);
        if (theirs.errors.length > 0) assert.ok(mistakes.length > 0);
        if (mistakes.length === 0) assert.notEqual(values, undefined);
      }),
      { numRuns: 500 },
    );
  });

  it('shows no line where it may hold a secret, and of a long one its beginning', () => {
    const text = 'adminToken: "0123456789abcdef\n';
    assert.match(said(text), /0123456789abcdef/);
    const [mistake] = readYaml(text, { showsLines: false }).mistakes;
    assert.deepEqual([mistake?.message, mistake?.line], ['a closing " is missing', 1]);
    assert.match(said(`a: "${'x'.repeat(500)}`), /x{77} …$|x{70,80} …$/);
  });
});

describe('what can be read', () => {
  it('is read although a key stands there twice, or an alias stands for nothing', () => {
    const { values, mistakes } = readYaml('a: 1\na: 2\nb: *.csv\n');
    assert.deepEqual(values, { a: 2, b: '*.csv' });
    assert.deepEqual(
      mistakes.map(({ line, column }) => [line, column]),
      [
        [2, 1],
        [3, 4],
      ],
    );
  });

  it('is bounded: depth, endless aliases, aliases of aliases', () => {
    assert.match(said('['.repeat(1000)), /more than 50 levels/);
    assert.match(said('a: &a [*a]\n'), /it would never end/);
    const laughs = [
      'a0: &a0 [x, x]',
      ...Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(9).fill(`*a${i}`).join(', ')}]`),
    ];
    const { values, mistakes } = readYaml(laughs.join('\n'));
    assert.deepEqual([values, mistakes.length], [undefined, 1]);
    assert.match(said(laughs.join('\n')), /aliases of aliases make more of this text than can be read/);
  });

  it('has places of its values; those of a missing key are of what it is missing in', () => {
    const { values, locate } = readYaml('{"a": {"b": [1, 2]}}');
    assert.deepEqual(values, { a: { b: [1, 2] } });
    assert.deepEqual(locate({ path: ['a', 'b', 1], message: 'm' }), {
      path: 'a.b.1',
      message: 'm',
      line: 1,
      column: 17,
    });
    assert.equal(locate({ path: ['a', 'c'], message: 'm' }).column, 7);
    assert.deepEqual(readYaml('').values, null);
    assert.equal(readYaml('').locate({ path: ['a'], message: 'm' }).line, null);
  });
});
