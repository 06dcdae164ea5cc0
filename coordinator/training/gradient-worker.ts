/** A member of a gradient team: a thread with a backend and a replica of its own, which computes its share of each step. */
import { parentPort, workerData } from 'node:worker_threads';
import { loadBackend } from './backends/load-backend.ts';
import { CONTROL, computeShare, type GradientWorkerData } from './gradient-team.ts';
import { loadTask } from './load-task.ts';
import { Replica } from './replica.ts';

const { task, member, members, shared } = workerData as GradientWorkerData;
await loadBackend();
const replica = new Replica(await loadTask(task), task.candidate, task.seed);
let step = Atomics.load(shared.control, CONTROL.step);
parentPort?.postMessage('ready');

// Until the thread is terminated.
for (;;) {
  Atomics.wait(shared.control, CONTROL.step, step);
  step = Atomics.load(shared.control, CONTROL.step);
  try {
    computeShare(replica, shared, member, members);
  } catch (error) {
    // The main thread waits without hearing events: shared memory tells it.
    console.error(`training thread ${member}: ${(error as Error).message}`);
    Atomics.add(shared.control, CONTROL.failed, 1);
  }
  Atomics.add(shared.control, CONTROL.done, 1);
  Atomics.notify(shared.control, CONTROL.done);
}
