/** Einstein summation (https://onnx.ai/onnx/operators/onnx__Einsum.html): sizes by letter, and what its products cost. */
import { stringAttribute } from '../graph.ts';
import { elementsOf, fail, output, type RuleInput, required, type ShapeRule } from './rule.ts';

const ELLIPSIS = '...';

interface Summation {
  /** Letters of each factor's axes; the axes that an ellipsis stands for have numbers, counted from behind. */
  factors: string[][];
  result: string[];
  sizes: ReadonlyMap<string, number>;
}

/** An ellipsis in a term of a tensor with `rank` axes. */
function lettersOf(term: string, rank: number): string[] {
  const [before = '', after] = term.split(ELLIPSIS);
  if (after === undefined) return [...before];
  const hidden = Math.max(0, rank - before.length - after.length);
  return [...before, ...Array.from({ length: hidden }, (_, index) => `${hidden - index}`), ...after];
}

/** Without an arrow: what the ellipses stand for, then the letters that occur once, in alphabetical order. */
function impliedResult(factors: readonly string[][]): string[] {
  const all = factors.flat();
  const hidden = [...new Set(all.filter((letter) => /\d/.test(letter)))].sort((a, b) => Number(b) - Number(a));
  const once = all.filter((letter) => !/\d/.test(letter) && all.indexOf(letter) === all.lastIndexOf(letter));
  return [...hidden, ...once.sort()];
}

function summationOf(rule: RuleInput): Summation {
  const equation = stringAttribute(rule.node, 'equation', '').replaceAll(' ', '');
  const [left = '', right] = equation.split('->');
  const sizes = new Map<string, number>();
  const factors = left.split(',').map((term, index) => {
    const { shape } = required(rule, index);
    const letters = lettersOf(term, shape.length);
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
  const longest = Math.max(
    0,
    ...factors
      .flat()
      .filter((letter) => /\d/.test(letter))
      .map(Number),
  );
  const result =
    right === undefined ? impliedResult(factors) : lettersOf(right, right.length - ELLIPSIS.length + longest);
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
  let macs = 0;
  let product = factors[0] as string[];
  for (const [index, factor] of factors.entries()) {
    if (index === 0) continue;
    const letters = [...new Set([...product, ...factor])];
    macs += elementsOf(letters.map((letter) => sizes.get(letter) as number));
    const needed = new Set([...result, ...factors.slice(index + 1).flat()]);
    product = letters.filter((letter) => needed.has(letter));
  }
  return macs;
}
