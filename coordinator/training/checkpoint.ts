/**
 * A checkpoint as one blob: "ETCK", the length of a JSON header (uint32, little endian), the header, then float32 values:
 * weights, moving statistics, and Adam's two means. Training goes on from it as if it had never stopped.
 */
import { z } from 'zod';
import type { AdamState } from './adam.ts';
import type { ModelState } from './replica.ts';

export interface Checkpoint {
  epochs: number;
  model: ModelState;
  adam: AdamState;
}

const MAGIC = 'ETCK';
const headerSchema = z.object({
  version: z.literal(1),
  epochs: z.int().min(0),
  steps: z.int().min(0),
  weights: z.int().min(0),
  moving: z.int().min(0),
});

export function encodeCheckpoint({ epochs, model, adam }: Checkpoint): Uint8Array {
  const header = Buffer.from(
    JSON.stringify({
      version: 1,
      epochs,
      steps: adam.steps,
      weights: model.weights.length,
      moving: model.moving.length,
    }),
  );
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  const values = [model.weights, model.moving, adam.first, adam.second].map((part) =>
    Buffer.from(part.buffer, part.byteOffset, part.byteLength),
  );
  return new Uint8Array(Buffer.concat([Buffer.from(MAGIC), length, header, ...values]));
}

/** @throws {Error} where the bytes are no checkpoint of this version, or were cut short */
export function decodeCheckpoint(bytes: Uint8Array): Checkpoint {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length < 8 || buffer.toString('latin1', 0, 4) !== MAGIC)
    throw new Error('this is no checkpoint of EdgeTune');
  const start = 8 + buffer.readUInt32LE(4);
  const { epochs, steps, weights, moving } = headerSchema.parse(JSON.parse(buffer.toString('utf8', 8, start)));
  const sizes = [weights, moving, weights, weights];
  const expected = start + 4 * sizes.reduce((sum, size) => sum + size, 0);
  if (buffer.length !== expected)
    throw new Error(`the checkpoint is damaged: ${expected} bytes were expected, it has ${buffer.length}`);
  let at = start;
  const take = (size: number) => {
    // A copy, because float32 views need an aligned offset.
    const part = new Float32Array(new Uint8Array(buffer.subarray(at, at + 4 * size)).buffer);
    at += 4 * size;
    return part;
  };
  const model = { weights: take(weights), moving: take(moving) };
  return { epochs, model, adam: { steps, first: take(weights), second: take(weights) } };
}
