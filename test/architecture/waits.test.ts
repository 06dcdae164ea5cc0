/**
 * Every wait of a test has a deadline of seconds and says what it waited for, because tests wait by test/support alone:
 * here stands what would wait without, as it is written in the sources. (What a test awaits of the product itself is in
 * the hands of whoever writes it: `within`.)
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';

const root = join(import.meta.dirname, '..');
const WAITING = 'support/waiting.ts';
/** The helpers themselves; and what stands in for something that takes time: a board with a clock of its own, a program. */
const EXEMPT = [
  ...[WAITING, 'support/ask.ts', 'support/chromium.ts', 'architecture/waits.test.ts'],
  ...['support/fixture-host.ts', 'agent/runners/support/fake-trtexec.ts'],
];

/** The text from an opening bracket to the one that closes it; strings with brackets in them come in pairs here. */
function enclosed(text: string, start: number): string {
  const closing: Record<string, string> = { '(': ')', '{': '}' };
  const open = text[start] as string;
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    if (text[at] === open) depth++;
    else if (text[at] === closing[open] && --depth === 0) return text.slice(start, at + 1);
  }
  return text.slice(start);
}

/** A loop's head and body, from the bracket of its head. */
function loopFrom(text: string, start: number): string {
  const head = enclosed(text, start);
  const rest = start + head.length;
  const body = text.slice(rest).trimStart();
  return head + (body.startsWith('{') ? enclosed(text, text.indexOf('{', rest)) : body.slice(0, body.indexOf(';')));
}

/** Programs that a test writes to files wait in processes of their own. */
function withoutTexts(source: string): string {
  const isProgram = (text: string) => /\w\(/.test(text);
  return source
    .replaceAll(/`(?:\\.|[^`\\])*`/gs, '``')
    .replaceAll(/'(?:\\.|[^'\\\n])*'/g, (text) => (isProgram(text) ? "''" : text));
}

type Finding = (text: string) => string[];
const matches =
  (pattern: RegExp): Finding =>
  (text) =>
    [...text.matchAll(pattern)].map(([found]) => found);

/** What waits without a deadline, and what to write instead. */
const RULES: [what: string, instead: string, find: Finding][] = [
  ['a promise of its own', 'Arrival, turn, untilAborted or forEver', matches(/\bnew Promise\b/g)],
  ['an event', 'event', matches(/import \{[^}]*\b(once|on)\b[^}]*\} from 'node:events'/g)],
  ['a timer', 'until or elapse', matches(/'node:timers\/promises'|(?<![.\w])set(Timeout|Interval)\(/g)],
  [
    'a loop that awaits',
    'until or firstOf',
    (text) =>
      [...text.matchAll(/\b(?:while|for await) \(|\bfor \(;;\)|\bdo \{/g)]
        .map(({ index, 0: { length } }) => ({ end: index + length - 1, isDo: text.startsWith('do', index) }))
        .map(({ end, isDo }) => (isDo ? enclosed(text, end) : loopFrom(text, text.lastIndexOf('(', end))))
        // What yields waits no longer than who takes it.
        .filter((loop) => /\bawait\b|^\(const .* of /.test(loop) && !/\byield\b/.test(loop)),
  ],
  ['an HTTP request', 'ask', matches(/(?<![.\w])fetch\(/g)],
  [
    'a program that is waited for here and now',
    'the option timeout, or runProgram',
    (text) =>
      [...text.matchAll(/(?<![.\w])(?:spawnSync|exec(?:File)?(?:Sync)?|promisify)\(/g)]
        .map((match) => match[0] + enclosed(text, match.index + match[0].length - 1))
        .filter((call) => !/\btimeout\b/.test(call)),
  ],
  ['a browser', 'openPage', matches(/\.newPage\(/g)],
];

const sources = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !EXEMPT.includes(file))
  .map((file) => ({ file, text: withoutTexts(readFileSync(join(root, file), 'utf8')) }));

for (const [what, instead, find] of RULES)
  it(`no test waits for ${what} without a deadline`, () => {
    const found = sources.flatMap(({ file, text }) => find(text).map((wait) => `test/${file}: ${wait}`));
    assert.deepEqual(found, [], `use ${instead} (test/${WAITING})`);
  });

it('each of these is found where it stands', () => {
  const examples = [
    'await new Promise((resolve) => server.listen(0, resolve));',
    "import { type EventEmitter, once } from 'node:events';",
    'setTimeout(done, 5);',
    'while (!condition()) await turn();',
    "await fetch('http://127.0.0.1/');",
    "spawnSync('sleep', ['1000']);",
    'const page = await browser.newPage();',
  ];
  for (const [index, [what, , find]] of RULES.entries()) assert.equal(find(examples[index] as string).length, 1, what);
  const loops = RULES[3]?.[2] as Finding;
  for (const loop of [
    'do { await look(); } while (!found);',
    'for (;;) {\n  await look();\n}',
    'for await (const line of lines) {\n  if (line === "x") break;\n}',
    'while (await more()) count++;',
  ])
    assert.equal(loops(loop).length, 1, loop);
  assert.deepEqual(loops('while (queue.length > 0) {\n  queue.shift();\n}\nawait done();'), []);
});
