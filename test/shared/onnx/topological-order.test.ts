import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import fc from 'fast-check';
import { buildOnnx, type GraphSpec, type NodeSpec } from '../../support/onnx-builder.ts';
import { refused } from './support.ts';

const node = (output: string, ...inputs: string[]): NodeSpec => ({
  opType: 'Sum',
  inputs,
  outputs: [output],
  name: output,
});
const order = (nodes: NodeSpec[], outputs: string[], rest: Partial<GraphSpec> = {}) =>
  readOnnx(buildOnnx({ inputs: [{ name: 'x', shape: [1] }], nodes, outputs, ...rest })).nodes.map(({ name }) => name);

test('an order that holds is kept, branch by branch', () => {
  const branches = [node('a1', 'x'), node('a2', 'a1'), node('b1', 'x'), node('b2', 'b1'), node('y', 'b2', 'a2')];
  assert.deepEqual(order(branches, ['y']), ['a1', 'a2', 'b1', 'b2', 'y']);
});

test('a node that comes too early is put off until what it reads is done', () => {
  const mixed = [node('y', 'a2', 'b2'), node('b2', 'b1'), node('a1', 'x'), node('b1', 'x'), node('a2', 'a1')];
  assert.deepEqual(order(mixed, ['y']), ['a1', 'a2', 'b1', 'b2', 'y']);
});

test('in every order of the file, each node comes after those that it reads', () => {
  const edges = fc.array(fc.tuple(fc.nat(9), fc.nat(9)), { maxLength: 25 });
  const shuffled = fc.shuffledSubarray(
    Array.from({ length: 10 }, (_, index) => index),
    { minLength: 10 },
  );
  fc.assert(
    fc.property(edges, shuffled, (pairs, places) => {
      // Edges from a lower to a higher number only: no circle.
      const sources = (to: number) =>
        pairs.filter(([a, b]) => Math.max(a, b) === to && a !== b).map((p) => Math.min(...p));
      const nodes = places.map((index) => node(`n${index}`, 'x', ...sources(index).map((from) => `n${from}`)));
      const found = order(nodes, ['n9']);
      assert.equal(found.length, 10);
      for (let to = 0; to < 10; to += 1)
        for (const from of sources(to))
          assert.ok(found.indexOf(`n${from}`) < found.indexOf(`n${to}`), `${from} → ${to}`);
    }),
  );
});

test('a chain of tens of thousands of nodes, backwards', () => {
  const count = 20_000;
  const nodes = Array.from({ length: count }, (_, index) => node(`n${index}`, index === 0 ? 'x' : `n${index - 1}`));
  const found = order(nodes.reverse(), [`n${count - 1}`]);
  assert.deepEqual([found[0], found.at(-1), found.length], ['n0', `n${count - 1}`, count]);
});

test('circles are refused, also of one node and behind others', () => {
  refused('cyclic', /node "a": its inputs depend on its own output/, () => order([node('a', 'a')], ['a']));
  const circle = [node('start', 'x'), node('a', 'start', 'c'), node('b', 'a'), node('c', 'b'), node('end', 'c')];
  refused('cyclic', /node "a"/, () => order(circle, ['end']));
});

test('a value has one origin', () => {
  refused('invalid-graph', /node "second": its output "v" is defined twice/, () =>
    order([node('v', 'x'), { ...node('v', 'x'), name: 'second' }], ['v']),
  );
  refused('invalid-graph', /node "x": its output "x" is defined twice/, () =>
    order([node('x', 'v'), node('v', 'x')], ['v']),
  );
  refused('invalid-graph', /node "w": its output "w" is defined twice/, () =>
    order([node('w', 'x')], ['w'], { initializers: [{ name: 'w', dims: [1] }] }),
  );
  refused('invalid-graph', /node "y": its input "lost" is defined nowhere/, () =>
    order([node('y', 'x', 'lost')], ['y']),
  );
});

test('inputs and outputs that are left out are no values', () => {
  const two = { ...node('', 'x', ''), name: 'first', outputs: ['', 'h'] };
  const three = { ...node('', 'h', ''), name: 'second', outputs: ['', 'y'] };
  assert.deepEqual(order([three, two], ['y']), ['first', 'second']);
});

test('a node comes after what its subgraphs read from outside, and not after what they define themselves', () => {
  const body: GraphSpec = {
    inputs: [{ name: 'state', shape: [1] }],
    initializers: [{ name: 'w', dims: [1] }],
    // `a` is a value of the body's own, although the graph around it has one of that name.
    nodes: [node('a', 'state', 'w'), node('b', 'a', 'needed')],
    outputs: ['b', 'handed'],
  };
  const control = (graph: GraphSpec): NodeSpec => ({ ...node('y', 'x'), opType: 'If', graphs: { then_branch: graph } });
  const around = [control(body), node('a', 'y'), node('needed', 'x'), node('handed', 'x')];
  assert.deepEqual(order(around, ['a']), ['needed', 'handed', 'y', 'a']);
  const lost = { ...body, nodes: [node('b', 'nobody')], outputs: ['b'] };
  refused('invalid-graph', /node "b": its input "nobody" is defined nowhere/, () => order([control(lost)], ['y']));
  const nested = { ...body, nodes: [control({ ...body, outputs: ['b'] })], outputs: ['y'] };
  const inner = [{ ...control(nested), name: 'outer', outputs: ['z'] }, node('needed', 'x'), node('handed', 'x')];
  assert.deepEqual(order(inner, ['z']), ['needed', 'outer', 'handed']);
});
