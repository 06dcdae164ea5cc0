/** The syntax tree of a TypeScript source (oxc's parser, which comes with Vite), and walking over what of it is run. */
import { type ESTree, parseSync } from 'vite';

export type Node = ESTree.Node;

/** Nodes around a node, the innermost last. */
export type Parents = readonly Node[];

/** @throws Error naming the file and what the parser says, where `text` is no TypeScript */
export function parse(text: string, file: string): Node {
  const { program, errors } = parseSync(file, text, { lang: 'ts', preserveParens: false });
  const [error] = errors;
  if (error !== undefined) throw new Error(`${file} cannot be parsed: ${error.message}`);
  return program;
}

/** Types whose name begins with TS but of which an expression is left at run time. */
const TYPED_EXPRESSIONS: ReadonlySet<string> = new Set([
  'TSAsExpression',
  'TSSatisfiesExpression',
  'TSNonNullExpression',
  'TSInstantiationExpression',
]);

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string';

/** The nodes directly below that are run: no types, no names of properties. */
function children(node: Node): Node[] {
  const isNamed = 'key' in node && 'computed' in node && !node.computed;
  return Object.entries(node)
    .filter(([name]) => !(isNamed && name === 'key'))
    .flatMap(([, value]: [string, unknown]) => (Array.isArray(value) ? value : [value]))
    .filter(isNode)
    .filter((child) => !child.type.startsWith('TS') || TYPED_EXPRESSIONS.has(child.type));
}

/**
 * Calls `visit` with every node that is run, parents first.
 * @param visit says whether to go on below that node
 */
export function walk(node: Node, visit: (node: Node, parents: Parents) => boolean, parents: Parents = []): void {
  if (!visit(node, parents)) return;
  const around = [...parents, node];
  for (const child of children(node)) walk(child, visit, around);
}

/** Where an operator stands between two operands; comments between them are no operators. */
export function operatorSpan(text: string, operator: string, from: number, to: number): { start: number; end: number } {
  const tokens = /\/\/.*|\/\*[\s\S]*?\*\/|[()]|[^\s()]+/g;
  for (const match of text.slice(from, to).matchAll(tokens)) {
    const start = from + match.index;
    if (match[0] === operator) return { start, end: start + operator.length };
  }
  throw new Error(`no ${operator} between ${from} and ${to} of: ${text.slice(from, to)}`);
}

/** The whole chain of members and calls that begins with `node` (`a` of `a.b(c)?.d`), and what is assigned to it. */
export function wholeChain(node: Node, parents: Parents): Node {
  let whole = node;
  for (const parent of parents.toReversed()) {
    const goesOn =
      (parent.type === 'MemberExpression' && parent.object === whole) ||
      ((parent.type === 'CallExpression' || parent.type === 'NewExpression') && parent.callee === whole) ||
      (parent.type === 'TaggedTemplateExpression' && parent.tag === whole) ||
      ((parent.type === 'ChainExpression' || parent.type === 'TSNonNullExpression') && parent.expression === whole) ||
      (parent.type === 'AssignmentExpression' && parent.left === whole) ||
      (parent.type === 'UpdateExpression' && parent.argument === whole) ||
      (parent.type === 'UnaryExpression' && parent.operator === 'delete');
    if (!goesOn) break;
    whole = parent;
  }
  return whole;
}
