/** If, Loop and Scan: what is run of them is sized and costed in their place, as ONNX Runtime runs it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { analyseModel, type ModelAnalysis } from '@edgetune/shared/onnx/analyse.ts';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { buildOnnx, type GraphSpec, int64Tensor, type ModelSpec, type TensorSpec } from '../../support/onnx-builder.ts';
import { accepted, node, refused } from './support.ts';

const [FLOAT, INT64, BOOL] = [1, 7, 9];
const scalar = (name: string, value: number): TensorSpec => ({ ...int64Tensor(name, [value]), dims: [] });
const truth = (name: string, value: boolean): TensorSpec => ({
  name,
  dims: [],
  dataType: BOOL,
  raw: Uint8Array.of(value ? 1 : 0),
});
const square = (name: string): TensorSpec => ({ name, dims: [4, 4] });

function analysed(spec: ModelSpec): ModelAnalysis & { shape: number[] | undefined } {
  const analysis = accepted(() => analyseModel(buildOnnx(spec), { batchSize: 1 }));
  return { ...analysis, shape: analysis.outputShapes.get('y') };
}

/** Shape of "y" as ONNX Runtime computes it for ones. */
async function computed(spec: ModelSpec, feeds: Record<string, Tensor>): Promise<readonly number[] | undefined> {
  const session = await InferenceSession.create(buildOnnx(spec), { logSeverityLevel: 4 });
  const { y } = await session.run(feeds);
  await session.release();
  return y?.dims;
}
const ones = (dims: number[]) => new Tensor('float32', new Float32Array(dims.reduce((a, b) => a * b, 1)).fill(1), dims);

describe('If', () => {
  const product: GraphSpec = { nodes: [node('MatMul', ['x', 'w'], 'a')], inputs: [], outputs: ['a'] };
  const sum: GraphSpec = { nodes: [node('Relu', ['x'], 'b')], inputs: [], outputs: ['b'] };
  const spec = (condition: Partial<ModelSpec>, then = product, otherwise = sum): ModelSpec => ({
    nodes: [node('If', ['c'], 'y', { graphs: { then_branch: then, else_branch: otherwise } })],
    inputs: [{ name: 'x', shape: [2, 4] }, ...(condition.inputs ?? [])],
    initializers: [square('w'), ...(condition.initializers ?? [])],
    outputs: ['y'],
  });
  const asked = { inputs: [{ name: 'c', shape: [], dataType: BOOL }] };

  it('of a condition that is known runs one branch', () => {
    const yes = analysed(spec({ initializers: [truth('c', true)] }));
    const no = analysed(spec({ initializers: [truth('c', false)] }));
    assert.deepEqual([yes.macs, no.macs], [2 * 4 * 4, 0]);
    assert.deepEqual([yes.assumptions, no.assumptions], [[], []]);
    assert.deepEqual(
      no.kernels.map(({ ops }) => ops),
      [['Relu']],
    );
    assert.deepEqual(yes.shape, [2, 4]);
  });

  it('of a condition that depends on the data counts the more expensive branch, and says so', () => {
    for (const [then, otherwise, name] of [
      [product, sum, 'then'],
      [sum, product, 'else'],
    ] as const) {
      const { macs, assumptions, kernels } = analysed(spec(asked, then, otherwise));
      assert.equal(macs, 2 * 4 * 4);
      assert.equal(kernels.length, 1);
      assert.match(assumptions.join(), new RegExp(`node "y" \\(If\\) .*its "${name}" branch is counted`));
    }
  });

  it('whose branches make different things is left to real boards', () => {
    const other: GraphSpec = { nodes: [node('Transpose', ['x'], 'b')], inputs: [], outputs: ['b'] };
    refused('unsupported-operator', /its branches make float32 \[2,4\] and float32 \[4,2\].*depends on the data/, () =>
      analyseModel(buildOnnx(spec(asked, product, other)), { batchSize: 1 }),
    );
  });

  it('has names of its own in each branch, also where another If uses the same', () => {
    const { kernels } = analysed({
      nodes: [
        node('If', ['c'], 'z', { graphs: { then_branch: product, else_branch: sum } }),
        node('If', ['d'], 'y', { graphs: { then_branch: sum, else_branch: product } }),
      ],
      inputs: [{ name: 'x', shape: [2, 4] }],
      initializers: [square('w'), truth('c', true), truth('d', true)],
      outputs: ['y', 'z'],
    });
    assert.deepEqual(kernels.map(({ name }) => name).sort(), ['y/then_branch/b', 'z/then_branch/a']);
  });
});

describe('Loop', () => {
  /** x × w, again and again; each state is gathered, too. */
  const body: GraphSpec = {
    nodes: [
      node('Identity', ['goesOn'], 'goesOnStill'),
      node('MatMul', ['state', 'w'], 'next'),
      node('Identity', ['next'], 'seen'),
    ],
    inputs: [
      { name: 'round', shape: [], dataType: INT64 },
      { name: 'goesOn', shape: [], dataType: BOOL },
      { name: 'state', shape: [2, 4], dataType: FLOAT },
    ],
    outputs: [{ name: 'goesOnStill', dataType: BOOL }, 'next', 'seen'],
  };
  const spec = (rounds: TensorSpec, change: Partial<GraphSpec> = {}, goesOn = true): ModelSpec => ({
    nodes: [
      node('Loop', [rounds.name, 'on', 'x'], ['last', 'y'], { name: 'loop', graphs: { body: { ...body, ...change } } }),
    ],
    inputs: [{ name: 'x', shape: [2, 4] }],
    initializers: [square('w'), rounds, truth('on', goesOn)],
    outputs: ['last', 'y'],
  });

  it('of a known number of rounds costs that many, however many', async () => {
    for (const rounds of [3, 5000]) {
      const { macs, shape, assumptions, kernels } = analysed(spec(scalar('n', rounds)));
      assert.equal(macs, rounds * 2 * 4 * 4, `${rounds} rounds`);
      assert.equal(
        kernels.reduce((sum, kernel) => sum + kernel.macs * kernel.repeats, 0),
        macs,
      );
      assert.deepEqual(shape, await computed(spec(scalar('n', rounds)), { x: ones([2, 4]) }));
      assert.deepEqual(assumptions, []);
    }
    assert.equal(analysed(spec(scalar('n', 5000))).kernels.length, 2);
  });

  it('of no rounds, or told not to begin, costs nothing', async () => {
    for (const never of [spec(scalar('n', 0)), spec(scalar('n', 7), {}, false)]) {
      const { macs, shape } = analysed(never);
      assert.equal(macs, 0);
      assert.deepEqual(shape, await computed(never, { x: ones([2, 4]) }));
    }
  });

  it('whose rounds know their number is sized with it', async () => {
    // Each round joins one more row.
    const growing = spec(scalar('n', 3), {
      nodes: [
        node('Identity', ['goesOn'], 'goesOnStill'),
        node('Concat', ['state', 'x'], 'next', { int: { axis: 0 } }),
        node('ReduceSum', ['x'], 'seen'),
      ],
    });
    const y: ModelSpec = {
      ...growing,
      nodes: [{ ...growing.nodes[0], outputs: ['y', 'sums'] } as never],
      outputs: ['y', 'sums'],
    };
    assert.deepEqual(analysed(y).shape, await computed(y, { x: ones([2, 4]) }));
    const long: ModelSpec = { ...y, initializers: [square('w'), scalar('n', 5000), truth('on', true)] };
    refused('unsupported-operator', /node "loop" \(Loop\): what it carries changes from \[2,4\] to \[4,4\]/, () =>
      analyseModel(buildOnnx(long), { batchSize: 1 }),
    );
  });

  it('that stops when the data say so counts all rounds, and says so; without a limit it is refused', () => {
    const nodes = [
      ...body.nodes.slice(1),
      node('ReduceMax', ['next'], 'most', { int: { keepdims: 0 } }),
      node('Cast', ['most'], 'goesOnStill', { int: { to: BOOL } }),
    ];
    const { macs, assumptions } = analysed(spec(scalar('n', 3), { nodes }));
    assert.equal(macs, 3 * 2 * 4 * 4);
    assert.match(
      assumptions.join('|'),
      /^after how many rounds node "loop" \(Loop\) stops depends on the data: all 3 are counted$/,
    );
    const endless = spec({ ...scalar('n', 0), raw: new Uint8Array(new BigInt64Array([2n ** 62n]).buffer) }, { nodes });
    refused('unsupported-operator', /node "loop" \(Loop\): how often it runs depends on the data/, () =>
      analyseModel(buildOnnx(endless), { batchSize: 1 }),
    );
  });
});

describe('Scan', () => {
  const spec = (axis: number): ModelSpec => ({
    nodes: [
      node('Scan', ['x', 'sequence'], ['last', 'y'], {
        name: 'scan',
        int: { num_scan_inputs: 1 },
        ints: { scan_input_axes: [axis], scan_output_axes: [1] },
        graphs: {
          body: {
            nodes: [
              node('MatMul', ['state', 'w'], 'product'),
              node('Add', ['product', 'step'], 'next'),
              node('Identity', ['next'], 'seen'),
            ],
            inputs: [
              { name: 'state', shape: [2, 4] },
              { name: 'step', shape: [2, 4] },
            ],
            outputs: ['next', 'seen'],
          },
        },
      }),
    ],
    inputs: [
      { name: 'x', shape: [2, 4] },
      { name: 'sequence', shape: axis === 0 ? [9, 2, 4] : [2, 9, 4] },
    ],
    initializers: [square('w')],
    outputs: ['last', 'y'],
  });

  it('runs once for each slice, along any axis', async () => {
    for (const axis of [0, 1]) {
      const { macs, shape } = analysed(spec(axis));
      assert.equal(macs, 9 * 2 * 4 * 4);
      const feeds = { x: ones([2, 4]), sequence: ones(axis === 0 ? [9, 2, 4] : [2, 9, 4]) };
      assert.deepEqual(shape, await computed(spec(axis), feeds));
    }
  });
});
