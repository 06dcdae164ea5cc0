import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Precision } from '@edgetune/shared/domain/inference-config.ts';
import { graphPrecision, precisionMismatch, quantisedNode } from '@edgetune/shared/onnx/graph-precision.ts';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import { buildOnnx, type NodeSpec, type TensorSpec } from '../../support/onnx-builder.ts';
import { node } from './support.ts';

const graphOf = (nodes: NodeSpec[], initializers: TensorSpec[] = []) =>
  readOnnx(
    buildOnnx({
      inputs: [{ name: 'x', shape: [1] }],
      nodes,
      initializers,
      outputs: [nodes.at(-1)?.outputs[0] as string],
    }),
  );

it('a graph with one node that makes, reads or computes on quantised values is an int8 one', () => {
  const quantised = [
    'QuantizeLinear',
    'DequantizeLinear',
    'DynamicQuantizeLinear',
    'QLinearConv',
    'QLinearAdd',
    'ConvInteger',
    'MatMulInteger',
    'MatMulIntegerToFloat',
    'QGemm',
    'DynamicQuantizeMatMul',
    'DynamicQuantizeLSTM',
  ];
  for (const op of quantised) {
    const graph = graphOf([node('Relu', ['x'], 'r'), node(op, ['r'], 'q'), node('Relu', ['q'], 'y')]);
    assert.equal(graphPrecision(graph), 'int8', op);
    assert.equal(quantisedNode(graph)?.name, 'q', op);
  }
  for (const op of ['Gemm', 'Conv', 'LinearClassifier', 'QuickGelu', 'IntegerOrNot', 'NoQGemm'])
    assert.equal(graphPrecision(graphOf([node(op, ['x'], 'y')])), 'float32', op);
});

it('also where that node is in a branch of control flow, however deep', () => {
  const body = (inner: NodeSpec) => ({ inputs: [], nodes: [inner], outputs: inner.outputs });
  const control = (inner: NodeSpec, output: string) =>
    node('If', ['x'], output, { graphs: { then_branch: body(node('Relu', ['x'], 'a')), else_branch: body(inner) } });
  const deep = graphOf([control(control(node('QLinearAdd', ['x'], 'q'), 'inner'), 'y')]);
  assert.equal(quantisedNode(deep)?.name, 'q');
  assert.equal(graphPrecision(deep), 'int8');
  assert.equal(quantisedNode(graphOf([control(node('Relu', ['x'], 'b'), 'y')])), null);
});

it('else it computes in what most of its floating-point weights are', () => {
  const weights = (half: number, full: number) => [
    { name: 'h', dims: [half], dataType: 10 },
    { name: 'f', dims: [full] },
    // Places and sizes count for neither.
    { name: 'i', dims: [100], dataType: 7 },
  ];
  const precision = (half: number, full: number) =>
    graphPrecision(graphOf([node('Relu', ['x'], 'y')], weights(half, full)));
  assert.deepEqual(
    [precision(3, 2), precision(2, 3), precision(2, 2), precision(0, 0)],
    ['float16', 'float32', 'float32', 'float32'],
  );
});

it('a config has to ask for the precision that the graph computes in; only TensorRT makes float16 of float32', () => {
  const all: Precision[] = ['float32', 'float16', 'int8'];
  const mismatch = (graph: Precision, precision: Precision, executionProvider: 'cpu' | 'tensorrt') =>
    precisionMismatch(graph, { precision, executionProvider });
  for (const graph of all)
    for (const precision of all)
      for (const provider of ['cpu', 'tensorrt'] as const) {
        const isMade = graph === 'float32' && precision === 'float16' && provider === 'tensorrt';
        const found = mismatch(graph, precision, provider);
        assert.equal(found === null, graph === precision || isMade, `${graph} as ${precision} on ${provider}`);
        if (found) assert.match(found, new RegExp(`computes in ${graph}, not in ${precision}: `));
      }
  const [quantise, only, ask] = [/quantise it first/, /only the execution provider tensorrt/, /: ask for int8$/];
  assert.match(mismatch('float16', 'int8', 'cpu') as string, quantise);
  assert.match(mismatch('float32', 'float16', 'cpu') as string, only);
  assert.match(mismatch('int8', 'float16', 'cpu') as string, ask);
  assert.match(mismatch('int8', 'float32', 'tensorrt') as string, ask);
});
