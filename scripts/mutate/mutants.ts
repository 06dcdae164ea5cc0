/** All mutants of a source: each is the source with one small mistake in it. */
import { MUTATORS, type Replacement } from './mutators.ts';
import { type Node, type Parents, parse, walk, wholeChain } from './syntax.ts';

export interface Mutant extends Replacement {
  /** Path from the root of the project, with slashes. */
  file: string;
  /** Line of the change, counted from 1. */
  line: number;
  mutator: string;
  /** The lines that it changes, on one line without indentation, before and after; with the file it names the mutant. */
  before: string;
  after: string;
  /** The piece of the source that must be run for the mistake to be met. */
  reach: { start: number; end: number; kind: 'expression' | 'statement' };
}

/** Texts are for people: what is said in an error, and what is logged, is left as it is. */
function isProse(node: Node, parents: Parents): boolean {
  const around = parents.at(-1);
  if (around?.type === 'NewExpression' && around.callee !== node)
    return around.callee.type === 'Identifier' && around.callee.name.endsWith('Error');
  const call = node.type === 'ExpressionStatement' ? node.expression : null;
  if (call?.type !== 'CallExpression' || call.callee.type !== 'MemberExpression') return false;
  let { object } = call.callee;
  if (object.type === 'MemberExpression' && object.property.type !== 'PrivateIdentifier') object = object.property;
  return object.type === 'Identifier' && /^(console|log|logger)$/.test(object.name);
}

const isLoaded = (node: Node) =>
  node.type === 'ImportDeclaration' || node.type === 'ExportAllDeclaration' || node.type === 'ImportExpression';

/** What is run where, and only where, the mistake is met. */
function reachOf(change: Replacement, node: Node, parents: Parents): Mutant['reach'] {
  if (node.type.endsWith('Statement') && change.start === node.start && change.end === node.end)
    return { start: node.start, end: node.end, kind: 'statement' };
  // A condition or a returned value: the expression itself, as the statement around it may be run without it.
  const inner = node.type.endsWith('Statement') || node.type === 'ConditionalExpression' || 'params' in node;
  const { start, end } = inner ? change : wholeChain(node, parents);
  return { start, end, kind: 'expression' };
}

const oneLine = (text: string) => text.trim().replace(/\s*\n\s*/g, ' ');

/** Text of a source with a change in it. */
export const changed = (text: string, { start, end, text: instead }: Replacement) =>
  text.slice(0, start) + instead + text.slice(end);

/**
 * The mutants of a source, in the order of their places; two that read the same are one.
 * @param file path of the source, for the mutants and for errors
 */
export function mutantsOf(text: string, file: string): Mutant[] {
  const mutants = new Map<string, Mutant>();
  walk(parse(text, file), (node, parents) => {
    if (isLoaded(node) || isProse(node, parents)) return false;
    for (const [mutator, mutate] of Object.entries(MUTATORS))
      for (const change of mutate({ node, parents, text })) {
        const mutant = { ...change, ...describe(text, change), file, mutator, reach: reachOf(change, node, parents) };
        const id = changed(text, change);
        if (id !== text && !mutants.has(id)) mutants.set(id, mutant);
      }
    return true;
  });
  return [...mutants.values()].sort((a, b) => a.start - b.start || a.end - b.end || (a.text < b.text ? -1 : 1));
}

/** The mutants of some sources, by their path. */
export const mutantsIn = (sources: ReadonlyMap<string, string>): Mutant[] =>
  [...sources].flatMap(([file, text]) => mutantsOf(text, file));

function describe(text: string, { start, end, text: instead }: Replacement): Pick<Mutant, 'line' | 'before' | 'after'> {
  const from = text.lastIndexOf('\n', start - 1) + 1;
  const to = text.indexOf('\n', end) < 0 ? text.length : text.indexOf('\n', end);
  return {
    line: text.slice(0, start).split('\n').length,
    before: oneLine(text.slice(from, to)),
    after: oneLine(text.slice(from, start) + instead + text.slice(end, to)),
  };
}
