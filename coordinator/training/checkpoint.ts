/**
 * A checkpoint as one blob: "ETCK", the length of a JSON header (uint32, little endian), the header, then float32 values:
 * weights, moving statistics, and Adam's two means, of the last state; then weights and moving statistics of the best
 * one, where that is another. Training goes on from the last as if it had never stopped; the best is what is exported.
 */
import { z } from 'zod';
import type { AdamState } from './adam.ts';
import type { ModelState } from './replica.ts';

const bestMetricsSchema = z.object({ accuracy: z.number(), loss: z.number() }).catchall(z.number());

/** The state after the epoch that was best of all so far. */
export interface BestState {
  epochs: number;
  /** Over the samples that judge epochs; `trainLoss` is that of its epoch. */
  metrics: z.infer<typeof bestMetricsSchema>;
  model: ModelState;
}

export interface Checkpoint {
  epochs: number;
  model: ModelState;
  adam: AdamState;
  /** Null where nobody has looked: before the first epoch, and in checkpoints of before it was kept. */
  best: BestState | null;
}

const MAGIC = 'ETCK';
const sizesSchema = {
  epochs: z.int().min(0),
  steps: z.int().min(0),
  weights: z.int().min(0),
  moving: z.int().min(0),
};
const headerSchema = z.discriminatedUnion('version', [
  /** Of before the best state was kept. */
  z.object({ version: z.literal(1), ...sizesSchema }),
  z.object({
    version: z.literal(2),
    ...sizesSchema,
    best: z.object({ epochs: z.int().min(0), metrics: bestMetricsSchema }).nullable(),
  }),
]);

export function encodeCheckpoint({ epochs, model, adam, best }: Checkpoint): Uint8Array {
  const header = Buffer.from(
    JSON.stringify({
      version: 2,
      epochs,
      steps: adam.steps,
      weights: model.weights.length,
      moving: model.moving.length,
      best: best && { epochs: best.epochs, metrics: best.metrics },
    }),
  );
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  const another = best && best.epochs !== epochs ? [best.model.weights, best.model.moving] : [];
  const values = [model.weights, model.moving, adam.first, adam.second, ...another].map((part) =>
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
  const header = headerSchema.parse(JSON.parse(buffer.toString('utf8', 8, start)));
  const { epochs, steps, weights, moving } = header;
  const best = header.version === 1 ? null : header.best;
  const isAnother = best !== null && best.epochs !== epochs;
  const sizes = [weights, moving, weights, weights, ...(isAnother ? [weights, moving] : [])];
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
  const adam = { steps, first: take(weights), second: take(weights) };
  const bestModel = () => (isAnother ? { weights: take(weights), moving: take(moving) } : copyOf(model));
  return { epochs, model, adam, best: best && { ...best, model: bestModel() } };
}

/** Training changes weights where they are. */
export function copyOf({ weights, moving }: ModelState): ModelState {
  return { weights: weights.slice(), moving: moving.slice() };
}

/** The state that is exported of a checkpoint, after how many epochs it stood. */
export function exportedState({ epochs, model, best }: Checkpoint): { epochs: number; model: ModelState } {
  return best ?? { epochs, model };
}
