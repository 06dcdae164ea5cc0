/** What a training goes on from, as bytes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type Checkpoint,
  decodeCheckpoint,
  encodeCheckpoint,
  exportedState,
} from '../../../coordinator/training/checkpoint.ts';

const floats = (length: number) => fc.float32Array({ minLength: length, maxLength: length, noNaN: true });
const checkpoints: fc.Arbitrary<Checkpoint> = fc
  .tuple(fc.nat(20), fc.nat(5), fc.nat(9), fc.option(fc.nat(9)))
  .chain(([weights, moving, epochs, bestEpoch]) =>
    fc
      .tuple(floats(weights), floats(moving), floats(weights), floats(weights), floats(weights), floats(moving))
      .map(([w, m, first, second, bestW, bestM]) => {
        const model = { weights: w, moving: m };
        const another = { weights: bestW, moving: bestM };
        const metrics = { accuracy: 0.25, loss: 1.5, trainLoss: 2 };
        return {
          ...{ epochs, model, adam: { steps: 7, first, second } },
          best:
            bestEpoch === null ? null : { epochs: bestEpoch, metrics, model: bestEpoch === epochs ? model : another },
        };
      }),
  );

test('holds the last state and the best, bit by bit', () => {
  fc.assert(
    fc.property(checkpoints, (checkpoint) => {
      const read = decodeCheckpoint(encodeCheckpoint(checkpoint));
      assert.deepEqual(read, checkpoint);
      const { epochs, model } = exportedState(read);
      const expected = checkpoint.best ?? checkpoint;
      assert.deepEqual({ epochs, model }, { epochs: expected.epochs, model: expected.model });
    }),
  );
});

test('the best shares no memory with the last, which training changes where it is', () => {
  const model = { weights: Float32Array.of(1, 2), moving: Float32Array.of(3) };
  const adam = { steps: 1, first: new Float32Array(2), second: new Float32Array(2) };
  const best = { epochs: 4, metrics: { accuracy: 0.5, loss: 1 }, model };
  const read = decodeCheckpoint(encodeCheckpoint({ epochs: 4, model, adam, best }));
  read.model.weights.fill(9);
  read.model.moving.fill(9);
  assert.deepEqual(read.best?.model, model);
});

/** As a coordinator of before the best was kept wrote it. */
function ofBefore(weights: number[], moving: number[]): Uint8Array {
  const header = JSON.stringify({
    version: 1,
    ...{ epochs: 3, steps: 12, weights: weights.length, moving: moving.length },
  });
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  const values = Float32Array.from([...weights, ...moving, ...weights.map(() => 0.5), ...weights.map(() => 0.25)]);
  return Buffer.concat([Buffer.from('ETCK'), length, Buffer.from(header), new Uint8Array(values.buffer)]);
}

test('of before the best was kept: it exports the last state, as it did then', () => {
  const read = decodeCheckpoint(ofBefore([1, 2], [3]));
  const model = { weights: Float32Array.of(1, 2), moving: Float32Array.of(3) };
  const adam = { steps: 12, first: Float32Array.of(0.5, 0.5), second: Float32Array.of(0.25, 0.25) };
  assert.deepEqual(read, { epochs: 3, model, adam, best: null });
  assert.deepEqual(exportedState(read), { epochs: 3, model });
});

test('bytes that are no checkpoint, are cut short or of a newer version are refused', () => {
  fc.assert(
    fc.property(checkpoints, fc.nat(), (checkpoint, at) => {
      const bytes = encodeCheckpoint(checkpoint);
      assert.throws(() => decodeCheckpoint(bytes.subarray(0, at % bytes.length)));
      assert.throws(() => decodeCheckpoint(Buffer.concat([bytes, Buffer.alloc(4)])), /the checkpoint is damaged/);
    }),
  );
  assert.throws(() => decodeCheckpoint(Buffer.from('no checkpoint')), /no checkpoint of EdgeTune/);
  const newer = Buffer.from(ofBefore([], []).map((byte) => (byte === '1'.charCodeAt(0) ? '9'.charCodeAt(0) : byte)));
  assert.throws(() => decodeCheckpoint(newer), /version/);
});
