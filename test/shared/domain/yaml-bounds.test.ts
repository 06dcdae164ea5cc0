import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { endlessAliases, yamlExcess } from '@edgetune/shared/domain/yaml-bounds.ts';
import fc from 'fast-check';
import { parseDocument } from 'yaml';

test('what is nested too deeply is refused where it becomes so, in whatever way it is written', () => {
  const nested = /nested more than 50 levels/;
  const excess = (text: string) => yamlExcess(text) ?? { message: 'none', line: 0, column: 0 };
  assert.match(excess('['.repeat(100_000)).message, nested);
  assert.match(excess('{a: '.repeat(20_000)).message, nested);
  assert.match(excess('- '.repeat(20_000)).message, nested);
  assert.match(excess(`a:\n  b: ${'['.repeat(60)}${']'.repeat(60)}`).message, nested);
  const lines = Array.from({ length: 200 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n');
  assert.deepEqual([nested.test(excess(lines).message), excess(lines).line], [true, 51]);
});

test('texts and lists that are long and flat are not nested', () => {
  for (const text of [
    `a: |\n${' '.repeat(200)}x\n`,
    `${'- a: [1, [2]]\n'.repeat(500)}`,
    Array.from({ length: 30 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
    `"${'['.repeat(500)}"`,
    `# ${'['.repeat(500)}\na: 1`,
    `a: ${'['.repeat(40)}${']'.repeat(40)}\nb: ${'['.repeat(40)}${']'.repeat(40)}`,
  ])
    assert.equal(yamlExcess(text), null, text.slice(0, 60));
});

test('too many values are refused at the line from which on they are too many', () => {
  const choices = (count: number) => `space:\n${'  - x\n'.repeat(count)}`;
  assert.equal(yamlExcess(choices(4000)), null);
  const excess = yamlExcess(choices(6000));
  assert.match(excess?.message ?? '', /more than 5000 values and keys/);
  assert.ok((excess?.line ?? 0) > 4990 && (excess?.line ?? 0) < 5010, String(excess?.line));
  assert.match(yamlExcess(`{${'k,'.repeat(6000)}}`)?.message ?? '', /more than 5000/);
  assert.match(yamlExcess(JSON.stringify(Array(6000).fill('x')))?.message ?? '', /more than 5000/);
  assert.match(yamlExcess(`a: ${'*a '.repeat(10)}${'x'.repeat(2 ** 20)}`)?.message ?? '', /1048576 at most/);
});

test('what it lets pass is read in no time and never throws', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('[', ']', '{', '}', '- ', 'a: ', '\n', '  ', '"', '&a ', '*a', '? ', '|\n'), {
        maxLength: 400,
      }),
      (parts) => {
        const text = parts.join('');
        if (yamlExcess(text) === null) assert.ok(parseDocument(text).contents !== undefined);
      },
    ),
  );
});

test('an alias of what it stands in is told, another one is not', () => {
  const endless = (text: string) => endlessAliases(parseDocument(text)).map(({ message }) => message);
  assert.match(endless('space: &a\n  training: *a\n')[0] ?? '', /\*a stands within what it repeats/);
  assert.deepEqual(endless('a: &a [1, 2]\nb: *a\nc: [*a, *a]\n'), []);
});

test('the examples of studies are within the bounds', () => {
  for (const name of readdirSync('examples').filter((file) => /\.ya?ml$/.test(file)))
    assert.equal(yamlExcess(readFileSync(`examples/${name}`, 'utf8')), null, name);
});
