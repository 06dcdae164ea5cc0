/** The small mistakes that are made on purpose: what people get wrong, not every change that could be made. */
import { type Node, operatorSpan, type Parents } from './syntax.ts';

/** A piece of a source and what stands there instead. */
export interface Replacement {
  start: number;
  end: number;
  text: string;
}

/** Where a mutator looks: a node, what is around it, and the text that it was read from. */
export interface Site {
  node: Node;
  parents: Parents;
  text: string;
}

type Mutator = (site: Site) => Replacement[];

/** Turned, and with its bound moved. */
const COMPARISONS: Record<string, readonly string[]> = {
  '<': ['<=', '>='],
  '<=': ['<', '>'],
  '>': ['>=', '<='],
  '>=': ['>', '<'],
  '===': ['!=='],
  '!==': ['==='],
  '==': ['!='],
  '!=': ['=='],
};

const ARITHMETIC: Record<string, string> = {
  '+': '-',
  '-': '+',
  '*': '/',
  '/': '*',
  '%': '*',
  '**': '*',
  '<<': '>>',
  '>>': '<<',
  '>>>': '<<',
  '&': '|',
  '|': '&',
};

const LOGICAL: Record<string, string> = { '&&': '||', '||': '&&' };

const ASSIGNMENTS: Record<string, string> = {
  '+=': '-=',
  '-=': '+=',
  '*=': '/=',
  '/=': '*=',
  '??=': '=',
  '||=': '=',
  '&&=': '=',
};

const MATH: Record<string, string> = { min: 'max', max: 'min', floor: 'ceil', ceil: 'floor', round: 'floor' };

const METHODS: Record<string, string> = {
  some: 'every',
  every: 'some',
  find: 'findLast',
  findLast: 'find',
  indexOf: 'lastIndexOf',
  push: 'unshift',
  startsWith: 'endsWith',
  endsWith: 'startsWith',
};

/** Methods without which their object is still of the same kind. */
const DROPPED_METHODS: ReadonlySet<string> = new Set([
  'filter',
  'sort',
  'toSorted',
  'reverse',
  'toReversed',
  'slice',
  'trim',
]);

const BOOLEAN_METHODS: ReadonlySet<string> = new Set([
  'some',
  'every',
  'includes',
  'has',
  'test',
  'startsWith',
  'endsWith',
]);

const spanOf = ({ start, end }: Node) => ({ start, end });
const replace = (node: Node, ...texts: string[]): Replacement[] => texts.map((text) => ({ ...spanOf(node), text }));
const sourceOf = (node: Node, text: string) => text.slice(node.start, node.end);

function swap(site: Site, operator: string, left: Node, right: Node, others: readonly string[]): Replacement[] {
  const span = operatorSpan(site.text, operator, left.end, right.start);
  return others.map((text) => ({ ...span, text }));
}

const isComparison = (node: Node) => node.type === 'BinaryExpression' && Object.hasOwn(COMPARISONS, node.operator);

const isText = (node: Node): boolean =>
  node.type === 'TemplateLiteral' ||
  (node.type === 'Literal' && typeof node.value === 'string') ||
  (node.type === 'BinaryExpression' && node.operator === '+' && (isText(node.left) || isText(node.right)));

/** Whether an expression is true or false by how it is written. */
function isBoolean(node: Node): boolean {
  if (node.type === 'UnaryExpression') return node.operator === '!';
  if (node.type === 'BinaryExpression') return isComparison(node) || /^in/.test(node.operator);
  if (node.type === 'LogicalExpression') return isBoolean(node.left) && isBoolean(node.right);
  if (node.type !== 'CallExpression' || node.callee.type !== 'MemberExpression') return false;
  return node.callee.property.type === 'Identifier' && BOOLEAN_METHODS.has(node.callee.property.name);
}

const comparison: Mutator = (site) => {
  const { node } = site;
  if (node.type !== 'BinaryExpression' || !Object.hasOwn(COMPARISONS, node.operator)) return [];
  return swap(site, node.operator, node.left, node.right, COMPARISONS[node.operator] as readonly string[]);
};

/** Always, never, and the other way round (of a comparison that is the comparison turned). */
const condition: Mutator = ({ node, text }) => {
  const isLoop = node.type === 'WhileStatement' || node.type === 'DoWhileStatement' || node.type === 'ForStatement';
  if (!isLoop && node.type !== 'IfStatement' && node.type !== 'ConditionalExpression') return [];
  const { test } = node;
  if (test === null || test.type === 'Literal') return [];
  // A loop that never ends shows nothing but that it is slow.
  if (isLoop) return replace(test, 'false');
  const turned = isComparison(test) || test.type === 'UnaryExpression' ? [] : [`!(${sourceOf(test, text)})`];
  return replace(test, ...turned, 'true', 'false');
};

const logical: Mutator = (site) => {
  const { node, text } = site;
  if (node.type !== 'LogicalExpression') return [];
  if (node.operator === '??') return replace(node, sourceOf(node.left, text), sourceOf(node.right, text));
  return swap(site, node.operator, node.left, node.right, [LOGICAL[node.operator] as string]);
};

const arithmetic: Mutator = (site) => {
  const { node } = site;
  if (node.type === 'BinaryExpression' && Object.hasOwn(ARITHMETIC, node.operator) && !isText(node))
    return swap(site, node.operator, node.left, node.right, [ARITHMETIC[node.operator] as string]);
  if (node.type === 'AssignmentExpression' && Object.hasOwn(ASSIGNMENTS, node.operator) && !isText(node.right))
    return swap(site, node.operator, node.left, node.right, [ASSIGNMENTS[node.operator] as string]);
  if (node.type !== 'UpdateExpression') return [];
  const other = node.operator === '++' ? '--' : '++';
  const argument = sourceOf(node.argument, site.text);
  return replace(node, node.prefix ? `${other}${argument}` : `${argument}${other}`);
};

/** Small whole numbers are one more (they count, or name a place); others twice as much. */
const number: Mutator = ({ node, text }) => {
  if (node.type !== 'Literal') return [];
  if ('bigint' in node && typeof node.bigint === 'string') return replace(node, `${BigInt(node.bigint) + 1n}n`);
  if (typeof node.value !== 'number') return [];
  const isCount = Number.isInteger(node.value) && node.value <= 10 && /^\d+$/.test(sourceOf(node, text));
  return replace(node, String(isCount ? node.value + 1 : node.value * 2));
};

const boolean: Mutator = ({ node }) =>
  node.type === 'Literal' && typeof node.value === 'boolean' ? replace(node, String(!node.value)) : [];

const sign: Mutator = ({ node, text }) =>
  node.type === 'UnaryExpression' && ['-', '!', '~'].includes(node.operator)
    ? replace(node, sourceOf(node.argument, text))
    : [];

const optionalChain: Mutator = (site) => {
  const { node, text } = site;
  if ((node.type !== 'MemberExpression' && node.type !== 'CallExpression') || !node.optional) return [];
  const from = node.type === 'MemberExpression' ? node.object.end : node.callee.end;
  const start = text.indexOf('?.', from);
  const isName = node.type === 'MemberExpression' && !node.computed;
  return [{ start, end: start + 2, text: isName ? '.' : '' }];
};

const method: Mutator = ({ node, text }) => {
  if (node.type !== 'CallExpression' || node.callee.type !== 'MemberExpression' || node.callee.computed) return [];
  const { object, property } = node.callee;
  if (property.type !== 'Identifier') return [];
  const { name } = property;
  if (object.type === 'Identifier' && object.name === 'Math') {
    const [only] = node.arguments;
    if (name === 'abs' && only !== undefined) return replace(node, `(${sourceOf(only, text)})`);
    return Object.hasOwn(MATH, name) ? replace(property, MATH[name] as string) : [];
  }
  if (DROPPED_METHODS.has(name)) return replace(node, text.slice(node.start, endOfObject(node, object, text)));
  return Object.hasOwn(METHODS, name) ? replace(property, METHODS[name] as string) : [];
};

/** Past the parentheses around the object, of which the tree knows nothing. */
function endOfObject(call: Node, object: Node, text: string): number {
  const opened = text.slice(call.start, object.start).split('(').length - 1;
  const closing = new RegExp(`^(\\s*\\)){${opened}}`).exec(text.slice(object.end));
  return object.end + (closing?.[0].length ?? 0);
}

/** What is dropped whole: it is done for what it changes, or it ends something early. */
function isDroppable(node: Node): boolean {
  if (node.type === 'ReturnStatement' || node.type === 'ThrowStatement') return true;
  if (node.type === 'ContinueStatement' || node.type === 'BreakStatement') return true;
  if (node.type !== 'ExpressionStatement') return false;
  let { expression } = node;
  while (expression.type === 'AwaitExpression' || expression.type === 'ChainExpression')
    expression = expression.type === 'AwaitExpression' ? expression.argument : expression.expression;
  if (expression.type === 'UnaryExpression') return expression.operator === 'delete' || expression.operator === 'void';
  if (expression.type === 'CallExpression') return expression.callee.type !== 'Super';
  return ['AssignmentExpression', 'UpdateExpression', 'NewExpression'].includes(expression.type);
}

const statement: Mutator = ({ node, parents }) => {
  if (!isDroppable(node)) return [];
  const [beyond, around] = parents.slice(-2);
  const block = around?.type === 'BlockStatement' ? around : null;
  const isLast = block?.body.at(-1) === node;
  // What a function returns at its end is another mutator's.
  if (node.type === 'ReturnStatement' && isLast && beyond !== undefined && 'params' in beyond) return [];
  // The only statement of an `if`: its condition is made false instead, which is the same.
  const branch = block?.body.length === 1 ? block : node;
  const decision = branch === node ? around : beyond;
  if (decision?.type === 'IfStatement' && decision.alternate === null) return [];
  return replace(node, ';');
};

const returned: Mutator = ({ node }) => {
  const isArrow = node.type === 'ArrowFunctionExpression' && node.expression;
  const value = isArrow ? node.body : node.type === 'ReturnStatement' ? node.argument : null;
  if (value === null) return [];
  if (isBoolean(value)) return replace(value, 'true', 'false');
  if (isArrow) return [];
  if (value.type === 'ArrayExpression') return value.elements.length === 0 ? [] : replace(value, '[]');
  if (value.type === 'BinaryExpression') return isText(value) ? [] : replace(value, '0');
  const isPlain = ['Identifier', 'CallExpression', 'MemberExpression', 'AwaitExpression', 'ChainExpression'];
  return isPlain.includes(value.type) ? replace(value, 'undefined') : [];
};

/** By the name under which their mutants are listed. */
export const MUTATORS: Readonly<Record<string, Mutator>> = {
  comparison,
  condition,
  logical,
  arithmetic,
  number,
  boolean,
  sign,
  'optional chain': optionalChain,
  method,
  statement,
  return: returned,
};
