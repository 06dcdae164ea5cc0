/** Models whose weights lie beside them become one file, byte for byte the weights that they had. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dataFilesOf, inlineExternalData } from '@edgetune/shared/onnx/external-data.ts';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { buildOnnx, type TensorSpec } from '../../support/onnx-builder.ts';
import { node, refused } from './support.ts';

/** x + a × b, whose b is in the body of an If. */
function model(a: TensorSpec['external'], b: TensorSpec['external']): Uint8Array {
  const body = { nodes: [node('Mul', ['x', 'b'], 'z')], inputs: [], outputs: ['z'] };
  return buildOnnx({
    nodes: [
      node('Add', ['x', 'a'], 'sum'),
      node('If', ['always'], 'product', {
        graphs: {
          then_branch: { ...body, initializers: [{ name: 'b', dims: [2], external: b ?? false }] },
          else_branch: { ...body, initializers: [{ name: 'b', dims: [2] }] },
        },
      }),
      node('Add', ['sum', 'product'], 'y'),
    ],
    initializers: [
      { name: 'a', dims: [2], external: a ?? false },
      { name: 'always', dims: [], dataType: 9, raw: Uint8Array.of(1) },
    ],
    inputs: [{ name: 'x', shape: [2] }],
    outputs: ['y'],
  });
}

const data = new Uint8Array(Float32Array.of(7, 7, 1, 2, 10, 20).buffer);
const place = (offset: number) => ({ location: 'weights.data', offset, length: 8 });

describe('weights beside a model', () => {
  it('are put into it, from the graph and from bodies of control flow', async () => {
    const split = model(place(8), place(16));
    assert.deepEqual(dataFilesOf(split), [{ location: 'weights.data', leastBytes: 24 }]);
    const asked: string[] = [];
    const whole = inlineExternalData(split, ({ location }) => {
      asked.push(location);
      return data;
    });
    assert.deepEqual(asked, ['weights.data'], 'each file is read once');
    assert.deepEqual(dataFilesOf(whole), []);
    assert.deepEqual(readOnnx(whole).initializers.get('a')?.read(), [1, 2]);
    const session = await InferenceSession.create(whole, { logSeverityLevel: 4 });
    const { y } = await session.run({ x: new Tensor('float32', [100, 100], [2]) });
    assert.deepEqual(Array.from((y as Tensor).data as Float32Array), [100 + 1 + 1000, 100 + 2 + 2000]);
    await session.release();
  });

  it('that are in it leave it as it is, and nothing is read', () => {
    const whole = model(false, false);
    assert.equal(
      inlineExternalData(whole, () => assert.fail('read')),
      whole,
    );
  });

  it('that do not say where they are, or of which size, or end too early, are refused by their tensor', () => {
    const inlined = (external: TensorSpec['external']) => () => inlineExternalData(model(external, false), () => data);
    refused('external-data', /tensor "a": it does not say in which file/, inlined(true));
    refused(
      'external-data',
      /tensor "a": 9 bytes at 0 of "w", where 8 bytes belong/,
      inlined({ location: 'w', offset: 0, length: 9 }),
    );
    refused('external-data', /tensor "a": .* at -8 of "w"/, inlined({ location: 'w', offset: -8, length: 8 }));
    refused(
      'external-data',
      /tensor "a": its data end at byte 32 of "w", which has 24/,
      inlined({ location: 'w', offset: 24 }),
    );
    refused('not-onnx', /no ONNX model/, () => inlineExternalData(Uint8Array.of(255, 1, 2), () => data));
  });

  it('that would make it larger than ONNX allows are not read', () => {
    const huge = buildOnnx({
      nodes: [node('Add', ['x', 'a'], 'y')],
      initializers: [{ name: 'a', dims: [2 ** 29], external: { location: 'w' } }],
      inputs: [{ name: 'x', shape: [1] }],
      outputs: ['y'],
    });
    refused('too-large', /with its data it is 21474837\d\d bytes: .* 2 GB/, () =>
      inlineExternalData(huge, () => assert.fail('read')),
    );
  });
});
