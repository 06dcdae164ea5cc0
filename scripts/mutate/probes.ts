/** Sources that note which of some mutants' places were run: exact, in every process and thread, also where it is killed. */
import { existsSync, readFileSync } from 'node:fs';
import type { Mutant } from './mutants.ts';

/** Where the processes note it: named in their environment, read again by `readReached`. */
export const REACHED_VARIABLE = 'EDGETUNE_REACHED_FILE';

/**
 * @param text a source
 * @param mutants some of its mutants, by the number under which each is noted
 */
export function withProbes(text: string, mutants: ReadonlyMap<number, Mutant>): string {
  const insertions = [...mutants].flatMap(([id, { reach }]) => {
    const { start, end } = reach;
    const [open, close] = reach.kind === 'statement' ? ['{', '}'] : ['(', ')'];
    const note = `__reached(${id})${reach.kind === 'statement' ? ';' : ','} `;
    return [
      { at: start, order: -(end - start), isEnd: false, text: `${open}${note}` },
      { at: end, order: end - start, isEnd: true, text: close },
    ];
  });
  // At one place: what ends first, then what begins; the inner ends before the outer, the outer begins before the inner.
  insertions.sort((a, b) => a.at - b.at || Number(b.isEnd) - Number(a.isEnd) || a.order - b.order);
  let probed = '';
  let from = 0;
  for (const { at, text: inserted } of insertions) {
    probed += text.slice(from, at) + inserted;
    from = at;
  }
  const module = JSON.stringify(new URL('./reached.js', import.meta.url).href);
  return `${probed}${text.slice(from)}\nimport { reached as __reached } from ${module};\n`;
}

/** The numbers that were noted in a file. */
export function readReached(file: string): ReadonlySet<number> {
  if (!existsSync(file)) return new Set();
  return new Set(readFileSync(file, 'utf8').trim().split('\n').map(Number));
}
