/** The disk of the folder for temporary files is full: whoever asked hears that it is, and may ask again. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { NotWrittenError } from '../../../coordinator/lifecycle/not-written-error.ts';
import { createTrainingService } from '../../../coordinator/training/create-training-service.ts';
import { mountSmallDisk, type SmallDisk, whyNoSmallDisk } from '../../../scripts/soak/small-disk.ts';
import { buildOnnx } from '../../support/onnx-builder.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { PROCESS_S, within } from '../../support/waiting.ts';

/** A convolution, and a node that ONNX Runtime takes away through a file. */
const model = buildOnnx({
  inputs: [{ name: 'x', shape: ['batch', 3, 8, 8] }],
  outputs: ['z'],
  initializers: [{ name: 'w', dims: [4, 3, 3, 3] }],
  nodes: [
    {
      opType: 'Conv',
      inputs: ['x', 'w'],
      outputs: ['y'],
      ints: { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [1, 1] },
    },
    { opType: 'Identity', inputs: ['y'], outputs: ['z'] },
  ],
});

test('a model that cannot be quantised for want of space is none that cannot be quantised', {
  skip: whyNoSmallDisk() ?? false,
}, async (t) => {
  const training = createTrainingService({ log: plainLogger(() => {}) });
  const before = process.env.TMPDIR;
  let disk: SmallDisk | null = null;
  t.after(async () => {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
    await training.close();
    disk?.unmount();
  });
  // Unmounted before its folder is removed.
  disk = mountSmallDisk(join(temporaryFolder(t), 'disk'), 1);
  process.env.TMPDIR = disk.path;
  disk.fill(0);
  const quantise = () => within('the variant', training.quantiseWithoutData(model, {}), PROCESS_S);
  await assert.rejects(
    quantise(),
    (error) =>
      error instanceof NotWrittenError &&
      error.message.startsWith(`the disk is full: ${disk.path}, the folder for temporary files, could not be written`),
  );
  disk.free();
  assert.ok((await quantise()).length > 0);
});
