/** Einstein summation (https://onnx.ai/onnx/operators/onnx__Einsum.html): sizes by letter, and what its products cost. */
import { stringAttribute } from '../graph.ts';
import { elementsOf, fail, output, type RuleInput, required, type ShapeRule } from './rule.ts';

const ELLIPSIS = '...';

interface Summation {
  /** Letters of each factor's axes; the axes that ellipses stand for have numbers. */
  factors: string[][];
  result: string[];
  sizes: ReadonlyMap<string, number>;
}

/** `hidden`: how many axes an ellipsis stands for. */
function lettersOf(term: string, hidden: number): string[] {
  const [before = '', after] = term.split(ELLIPSIS);
  if (after === undefined) return [...before];
  return [...before, ...Array.from({ length: hidden }, (_, index) => `${index}`), ...after];
}

/** Without an arrow: what the ellipses stand for, then the letters that occur once, in alphabetical order. */
function impliedResult(factors: readonly string[][]): string[] {
  const all = factors.flat();
  const isNumber = (letter: string) => /\d/.test(letter);
  const once = all.filter((letter) => !isNumber(letter) && all.indexOf(letter) === all.lastIndexOf(letter));
  return [...new Set(all.filter(isNumber)), ...once.sort()];
}

function summationOf(rule: RuleInput): Summation {
  const equation = stringAttribute(rule.node, 'equation', '').replaceAll(' ', '');
  const [left = '', right] = equation.split('->');
  const terms = left.split(',');
  const ranks = terms.map((_, index) => required(rule, index).shape.length);
  const counts = terms.flatMap((term, index) =>
    term.includes(ELLIPSIS) ? [(ranks[index] as number) - term.length + ELLIPSIS.length] : [],
  );
  const [hidden = 0, ...others] = counts;
  if (hidden < 0 || others.some((count) => count !== hidden))
    fail(rule.node, `the ellipses of "${equation}" stand for ${counts.join(' and ')} axes`);
  const sizes = new Map<string, number>();
  const factors = terms.map((term, index) => {
    const { shape } = required(rule, index);
    const letters = lettersOf(term, hidden);
    if (letters.length !== shape.length) fail(rule.node, `term "${term}" of "${equation}" on a tensor [${shape}]`);
    for (const [axis, letter] of letters.entries()) {
      const known = sizes.get(letter) ?? 1;
      const own = shape[axis] as number;
      if (known !== 1 && own !== 1 && known !== own)
        fail(rule.node, `"${letter}" of "${equation}" is ${known} and ${own}`);
      sizes.set(letter, known === 1 ? own : known);
    }
    return letters;
  });
  const result = right === undefined ? impliedResult(factors) : lettersOf(right, hidden);
  const unknown = result.find((letter) => !sizes.has(letter));
  if (unknown !== undefined) fail(rule.node, `"${unknown}" of "${equation}" is in no factor`);
  return { factors, result, sizes };
}

export const einsum: ShapeRule = (rule) => {
  const { result, sizes } = summationOf(rule);
  return [
    output(
      required(rule, 0).dtype,
      result.map((letter) => sizes.get(letter) as number),
    ),
  ];
};

/**
 * Multiply-accumulates where the factors are multiplied from left to right, and letters summed over as soon as no
 * later factor needs them, as ONNX Runtime does it (onnxruntime/core/providers/cpu/math/einsum.cc).
 */
export function einsumMacs(rule: RuleInput): number {
  const { factors, result, sizes } = summationOf(rule);
  const [first = [], ...others] = factors;
  let macs = 0;
  let product = first;
  for (const [index, factor] of others.entries()) {
    const letters = [...new Set([...product, ...factor])];
    macs += elementsOf(letters.map((letter) => sizes.get(letter) as number));
    const needed = new Set([...result, ...others.slice(index + 1).flat()]);
    product = letters.filter((letter) => needed.has(letter));
  }
  return macs;
}
