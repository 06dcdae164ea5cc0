/** A training process: answers one request at a time. It ends when the coordinator does. */
import { partNamed } from '@edgetune/shared/domain/part.ts';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import { quantiseOnnx } from '../export/quantise-onnx.ts';
import type { Feeds } from '../export/run-onnx.ts';
import { loadBackend } from './backends/load-backend.ts';
import { randomBatches, trainingBatches } from './calibration-batches.ts';
import { type ChildMessage, type ChildRequest, type ChildResult, childRequestSchema } from './child-messages.ts';
import { evaluateOnnx } from './evaluate-onnx.ts';
import { buildArchitecture, exportTrained } from './export-trial.ts';
import { loadTask } from './load-task.ts';
import { trainToBudget } from './train-to-budget.ts';
import { WORKLOADS } from './workloads/all.ts';
import { checkCandidate } from './workloads/check-candidate.ts';

type Request<T extends ChildRequest['type']> = Extract<ChildRequest, { type: T }>;

function send(message: ChildMessage): Promise<void> {
  return new Promise((resolve) => {
    if (process.connected) process.send?.(message, () => resolve());
    else resolve();
  });
}

async function build(request: Request<'build'>): Promise<ChildResult<'build'>> {
  await loadBackend();
  return buildArchitecture(await loadTask(request), request);
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

async function exported(request: Request<'export'>): Promise<ChildResult<'export'>> {
  const { name } = await loadBackend();
  return exportTrained(await loadTask(request), request, request.checkpoint, name);
}

async function quantised(onnx: Uint8Array, batches: Promise<Feeds[]>): Promise<ChildResult<'quantise'>> {
  return { onnx: await quantiseOnnx(onnx, await batches) };
}

/** Who names a workload that is not there is told so where its data are loaded. */
function checked(request: Request<'build' | 'train' | 'export'>): void {
  const workload = partNamed(WORKLOADS, request.workload);
  if (workload) checkCandidate(workload, request.candidate);
}

async function answer(request: ChildRequest): Promise<unknown> {
  if ('candidate' in request) checked(request);
  switch (request.type) {
    case 'build':
      return build(request);
    case 'train':
      return train(request);
    case 'export':
      return exported(request);
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
