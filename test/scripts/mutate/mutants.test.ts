import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { changed, mutantsOf } from '../../../scripts/mutate/mutants.ts';
import { parse } from '../../../scripts/mutate/syntax.ts';

/** What each mutant of a line makes of it. */
const mutations = (line: string) => mutantsOf(line, 'a.ts').map(({ after }) => after);

describe('mutants', () => {
  const lists: [string, string[]][] = [
    // Comparisons are turned and their bound is moved.
    ['f(a < b);', ['f(a <= b);', 'f(a >= b);', ';']],
    ['f(a === b);', ['f(a !== b);', ';']],
    ['if (a <= b) f();', ['if (a < b) f();', 'if (a > b) f();', 'if (false) f();', 'if (true) f();']],
    // A condition holds always, never, or the other way round.
    ['if (a) f();', ['if (!(a)) f();', 'if (false) f();', 'if (true) f();']],
    ['if (!a) f();', ['if (a) f();', 'if (false) f();', 'if (true) f();']],
    ['const x = a ? b : c;', ['const x = !(a) ? b : c;', 'const x = false ? b : c;', 'const x = true ? b : c;']],
    ['while (a) f();', ['while (false) f();', 'while (a) ;']],
    // Operators.
    ['const x = a && b;', ['const x = a || b;']],
    ['const x = a ?? b;', ['const x = a;', 'const x = b;']],
    ['const x = (a /* - */ * b) - c;', ['const x = (a /* - */ / b) - c;', 'const x = (a /* - */ * b) + c;']],
    ["const x = `text` + b + 'c';", []],
    ['x += y;', ['x -= y;', ';']],
    ['for (;; i++) {}', ['for (;; i--) {}']],
    ['const x = -y;', ['const x = y;']],
    // Constants.
    [
      'const x = [0, 10, 11, 0.5, 1e3, 2n];',
      ['1', '11', '22', '1', '2000', '3n'].map((text, index) => {
        const values = ['0', '10', '11', '0.5', '1e3', '2n'];
        return `const x = [${values.with(index, text).join(', ')}];`;
      }),
    ],
    ['const x = { 7: true };', ['const x = { 7: false };']],
    // Methods and optional chains.
    ['const x = Math.min(a, b);', ['const x = Math.max(a, b);']],
    ['const x = Math.abs(a);', ['const x = (a);']],
    [
      'const x = (a as B[]).filter(f).some(g);',
      ['const x = (a as B[]).some(g);', 'const x = (a as B[]).filter(f).every(g);'],
    ],
    ['const x = a?.b?.[c]?.(d);', ['const x = a.b?.[c]?.(d);', 'const x = a?.b[c]?.(d);', 'const x = a?.b?.[c](d);']],
    // Statements are dropped, and what is returned is something else.
    ['await a.b();', [';']],
    ['for (;;) { f(); break; }', ['for (;;) { ; break; }', 'for (;;) { f(); ; }']],
    ['function f() { return a; }', ['function f() { return undefined; }']],
    ['function f() { return [a]; }', ['function f() { return []; }']],
    ['const f = () => a.has(b);', ['const f = () => false;', 'const f = () => true;']],
    [
      'function f() { if (a) return b; return { c }; }',
      [
        'function f() { if (!(a)) return b; return { c }; }',
        'function f() { if (false) return b; return { c }; }',
        'function f() { if (true) return b; return { c }; }',
        'function f() { if (a) return undefined; return { c }; }',
      ],
    ],
    [
      'function f() { switch (a) { case b: return c(); default: throw d; } }',
      [
        'function f() { switch (a) { case b: ; default: throw d; } }',
        'function f() { switch (a) { case b: return undefined; default: throw d; } }',
        'function f() { switch (a) { case b: return c(); default: ; } }',
      ],
    ],
    // Texts, logs, types, imports and declarations are left alone.
    ["throw new RangeError(a > 1 ? 'b' : 'c');", [';']],
    ["log.info('a', 1); this.#server.log.warn(2); console.log(3);", []],
    ["import a from 'b'; type C = 1 | true; interface D { e: 2 } let f: 3; const g = { h: 'i' };", []],
  ];
  for (const [line, expected] of lists)
    it(`of ${line}`, () => assert.deepEqual(mutations(line).toSorted(), expected.toSorted()));

  it('say where they are and what they change, on one line', () => {
    const [mutant] = mutantsOf('const a = b;\n  const c = d\n    ?? e;\n', 'room/a.ts');
    const { file, line, before, after, mutator } = mutant!;
    assert.deepEqual(
      [file, line, before, after, mutator],
      ['room/a.ts', 2, 'const c = d ?? e;', 'const c = d;', 'logical'],
    );
  });

  it('of real sources can all be parsed', () => {
    const folder = join(import.meta.dirname, '../../../shared/domain');
    for (const name of readdirSync(folder).filter((file) => file.endsWith('.ts'))) {
      const text = readFileSync(join(folder, name), 'utf8');
      for (const mutant of mutantsOf(text, name)) assert.doesNotThrow(() => parse(changed(text, mutant), name));
    }
  });

  it('are not made of what is no TypeScript', () => {
    assert.throws(() => mutantsOf('const = 1;', 'broken.ts'), /broken\.ts cannot be parsed/);
  });
});
