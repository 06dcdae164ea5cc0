/** Measuring on the coordinator's machine is not disturbed by training: the training processes stand still for the window. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { it } from 'node:test';
import { BY_ACCURACY } from '@edgetune/shared/domain/objective.ts';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { createHostLease } from '../../coordinator/fleet/host-lease.ts';
import { createTrainingService } from '../../coordinator/training/create-training-service.ts';
import { elapse, event, PROCESS_S, until, within } from '../support/waiting.ts';

/** States of the training processes that this process has started (proc(5): T is stopped). */
function trainingStates(): string[] {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
  return children
    .filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('training-child'))
    .map((pid) => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.charAt(0) ?? '?');
}

it('training children, their threads too, stand still while the lease is held, and finish afterwards', async (t) => {
  const training = createTrainingService({ log: plainLogger(() => {}) });
  t.after(() => training.close());
  const lease = createHostLease(() => training.pause());
  const never = new AbortController().signal;
  let epochs = 0;
  const trial = (seed: number, cores: number) =>
    training.train(
      {
        workload: 'image-classifier',
        dataset: { format: 'synthetic-images', classes: 3, samples: 200, imageSize: 8, channels: 1, seed: 1 },
        candidate: { width: 4, depth: 1, block: 'residual', batchSizeTraining: 32 },
        seed,
        budget: { epochs: 6, dataFraction: 1 },
        cores,
        judgedBy: BY_ACCURACY,
        checkpoint: null,
      },
      () => epochs++,
      never,
    );
  const trials = [trial(1, 1), trial(2, 2)];
  await until('both trials to train', () => trainingStates().length === 2 && epochs > 0, { seconds: PROCESS_S });

  const giveBack = await lease.acquire(never);
  await until('training to stand still', () => trainingStates().every((state) => state === 'T'), {
    seconds: PROCESS_S,
  });
  // Messages that were on their way when the children stopped.
  await elapse(50);
  const [epochsAtStart, threadTimes] = [epochs, cpuTicks()];
  await elapse(200);
  assert.deepEqual(cpuTicks(), threadTimes, 'no thread of a training process ran');
  assert.equal(epochs, epochsAtStart);
  giveBack();
  assert.ok(lease.pausedMs >= 200);
  const outcomes = await within('both trials to end', Promise.all(trials), PROCESS_S);
  assert.deepEqual(
    outcomes.map((outcome) => outcome.epochs),
    [6, 6],
  );
  for (const { seconds } of outcomes) assert.ok(seconds >= 0);
});

/** CPU time of each thread of the training processes, in ticks. */
function cpuTicks(): number[] {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
  return children
    .filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('training-child'))
    .flatMap((pid) =>
      readdirSync(`/proc/${pid}/task`).map((thread) => {
        const fields = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
        return Number(fields[11]) + Number(fields[12]);
      }),
    );
}

it('a coordinator that dies while training stands still leaves no stopped process behind', async () => {
  const { spawn } = await import('node:child_process');
  const script = `
    import { createTrainingService } from './coordinator/training/create-training-service.ts';
    import { plainLogger } from './shared/log/logger.ts';
    const training = createTrainingService({ log: plainLogger(() => {}) });
    await training.backend();
    training.pause();
    const { readFileSync } = await import('node:fs');
    const pids = readFileSync('/proc/self/task/' + process.pid + '/children', 'utf8').trim().split(' ');
    process.stdout.write(pids.filter((pid) => readFileSync('/proc/' + pid + '/cmdline', 'utf8').includes('training-child')).join(' ') + '\\n');
    process.stdin.resume();
  `;
  const parent = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [line] = await event('the ids of the training processes', parent.stdout, 'data', PROCESS_S);
  const pids = String(line).trim().split(' ').filter(Boolean);
  assert.ok(pids.length > 0);
  parent.kill('SIGKILL');
  const alive = (pid: string) => {
    try {
      return !/^\S+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    } catch {
      return false;
    }
  };
  await until('the training processes to end', () => !pids.some(alive), { seconds: PROCESS_S });
});
