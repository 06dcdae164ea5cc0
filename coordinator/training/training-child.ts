/** A training process: answers one request at a time. It ends when the coordinator does. */
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import { exportLayersModel } from '../export/export-layers-model.ts';
import { renderModelCard } from '../export/model-card.ts';
import { quantiseOnnx } from '../export/quantise-onnx.ts';
import type { Feeds } from '../export/run-onnx.ts';
import { loadBackend } from './backends/load-backend.ts';
import { randomBatches, trainingBatches } from './calibration-batches.ts';
import { decodeCheckpoint, exportedState } from './checkpoint.ts';
import { type ChildMessage, type ChildRequest, type ChildResult, childRequestSchema } from './child-messages.ts';
import { evaluateOnnx } from './evaluate-onnx.ts';
import { loadTask } from './load-task.ts';
import { Replica } from './replica.ts';
import { areFinite, DivergedError, trainToBudget } from './train-to-budget.ts';

type Request<T extends ChildRequest['type']> = Extract<ChildRequest, { type: T }>;

function send(message: ChildMessage): Promise<void> {
  return new Promise((resolve) => {
    if (process.connected) process.send?.(message, () => resolve());
    else resolve();
  });
}

async function check(request: Request<'check'>): Promise<ChildResult<'check'>> {
  const task = await loadTask(request);
  const count = (split: 'train' | 'validation' | 'test') => task.labels(split).length;
  return {
    samples: { train: count('train'), validation: count('validation'), test: count('test') },
    classes: task.classes,
  };
}

/** The same architecture always has the same weights, and so the same bytes, whatever the trial. */
const ARCHITECTURE_SEED = 0;

async function build(request: Request<'build'>): Promise<ChildResult<'build'>> {
  await loadBackend();
  const task = await loadTask(request);
  const replica = new Replica(task, request.candidate, ARCHITECTURE_SEED);
  try {
    return { onnx: exportLayersModel(replica.model, task.metadata), parameters: replica.state().weights.length };
  } finally {
    replica.dispose();
  }
}

async function train(request: Request<'train'>): Promise<ChildResult<'train'>> {
  const backend = await loadBackend();
  const before = process.cpuUsage();
  const outcome = await trainToBudget(await loadTask(request), backend, request, async (report) => {
    await send({ type: 'epoch', ...report });
    // A turn of the event loop: only there does a process hear that its coordinator is gone.
    await new Promise((resolve) => setImmediate(resolve));
  });
  const { user, system } = process.cpuUsage(before);
  return { ...outcome, cpuSeconds: (user + system) / 1e6, backend: backend.name };
}

async function exportTrained(request: Request<'export'>): Promise<ChildResult<'export'>> {
  const backend = await loadBackend();
  const task = await loadTask(request);
  const replica = new Replica(task, request.candidate, request.seed);
  try {
    const checkpoint = decodeCheckpoint(request.checkpoint);
    const { model, epochs: bestEpoch } = exportedState(checkpoint);
    if (!areFinite(model)) throw new DivergedError(`the weights after epoch ${bestEpoch} are not finite`);
    replica.setState(model);
    const { accuracy } = replica.evaluate('validation');
    const metadata = {
      ...task.metadata,
      'edgetune.classes': JSON.stringify(task.classes),
      'edgetune.candidate': JSON.stringify(request.candidate),
      'edgetune.workload': request.workload,
    };
    const modelCard = renderModelCard({
      ...request,
      backend: backend.name,
      epochs: checkpoint.epochs,
      bestEpoch,
      validationAccuracy: accuracy,
      classes: task.classes,
      metadata,
    });
    return { onnx: exportLayersModel(replica.model, metadata), modelCard };
  } finally {
    replica.dispose();
  }
}

async function quantised(onnx: Uint8Array, batches: Promise<Feeds[]>): Promise<ChildResult<'quantise'>> {
  return { onnx: await quantiseOnnx(onnx, await batches) };
}

function answer(request: ChildRequest): Promise<unknown> {
  switch (request.type) {
    case 'check':
      return check(request);
    case 'build':
      return build(request);
    case 'train':
      return train(request);
    case 'export':
      return exportTrained(request);
    case 'evaluate':
      return loadTask(request).then((task) => evaluateOnnx(task, request.onnx, request.split));
    case 'quantise':
      return quantised(request.onnx, loadTask(request).then(trainingBatches));
    case 'quantise-without-data':
      return quantised(request.onnx, randomBatches(readOnnx(request.onnx), request.dimensions));
    case 'backend':
      return loadBackend().then(({ name }) => ({ name }));
  }
}

process.on('message', async (message) => {
  try {
    await send({ type: 'result', result: await answer(childRequestSchema.parse(message)) });
  } catch (error) {
    const { name, message: text } = error as Error;
    await send({ type: 'error', name, message: text });
  }
});
process.on('disconnect', () => process.exit());
