/** A board whose disk is full, really: a small file system in memory. Skipped aloud where this process may mount none. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import type { Job } from '@edgetune/shared/protocol/job.ts';
import type { JobUpdateMessage } from '@edgetune/shared/protocol/messages.ts';
import { JobJournal } from '../../../agent/session/job-journal.ts';
import { JobRunner, type Measure } from '../../../agent/session/job-runner.ts';
import { ModelCache } from '../../../agent/session/model-cache.ts';
import { Outbox } from '../../../agent/session/outbox.ts';
import { measurementFor } from '../../support/fleet.ts';
import { listen } from '../../support/listening.ts';
import { measureRequestFor } from '../../support/measuring.ts';
import { reluModel } from '../../support/models.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { Arrival, within } from '../../support/waiting.ts';

const MODEL = randomBytes(2_000_000);
const SHA256 = createHash('sha256').update(MODEL).digest('hex');

/** A folder on a file system of one megabyte (and so many files), or null where it cannot be had. */
function smallDisk(t: TestContext, files = 100): string | null {
  const folder = mkdtempSync(join(tmpdir(), 'edgetune-test-'));
  t.after(() => {
    spawnSync('umount', [folder], { timeout: 20_000 });
    rmSync(folder, { recursive: true, force: true });
  });
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=1m,nr_inodes=${files}`, 'edgetune-test', folder], {
    timeout: 20_000,
  });
  return mounted.status === 0 ? folder : null;
}

const NO_MOUNT = 'this process may not mount a file system';

function agentOn(disk: string, measure: Measure) {
  for (const name of ['outbox', 'jobs']) mkdirSync(join(disk, name), { recursive: true });
  const sent: JobUpdateMessage[] = [];
  const answer = new Arrival('the job to be answered');
  const log: string[] = [];
  const outbox = new Outbox(
    join(disk, 'outbox'),
    plainLogger((message) => log.push(message)),
  );
  const jobs = new JobRunner({
    measure,
    outbox,
    journal: new JobJournal(
      join(disk, 'jobs'),
      plainLogger((message) => log.push(message)),
    ),
    send: (update) => {
      sent.push(update);
      if (update.state !== 'accepted' && update.state !== 'running') answer.come();
    },
  });
  return { jobs, outbox, sent, answer, log };
}

function jobFor(t: TestContext): Job {
  const modelPath = join(temporaryFolder(t), 'model.onnx');
  writeFileSync(modelPath, reluModel());
  const request = measureRequestFor(modelPath);
  return { jobId: 'j1', attempt: 1, leaseToken: 'lease', stepTimeoutMs: 30_000, waitForHost: false, request };
}

it('a model that does not fit fails the job with the reason, and what was downloaded of it is gone', async (t) => {
  const disk = smallDisk(t);
  if (!disk) return t.skip(NO_MOUNT);
  const port = await listen(
    t,
    createServer((_, response) => response.end(MODEL)),
  );
  const cache = new ModelCache({
    directory: join(disk, 'models'),
    server: `http://127.0.0.1:${port}`,
    deviceId: 'd-000000000001',
    credential: 'secret',
    maxBytes: 1e9,
  });
  const { jobs, sent, answer } = agentOn(disk, async ({ request }, signal) => {
    await cache.get(SHA256, MODEL.length, signal);
    return measurementFor(request);
  });
  jobs.accept(jobFor(t));
  await answer.wait();
  assert.equal(sent.at(-1)?.state, 'failed');
  assert.match(sent.at(-1)?.reason ?? '', /the disk of this board is full: a model of 2 MB does not fit into .*models/);
  assert.deepEqual(readdirSync(join(disk, 'models')), []);
});

it('a model for which not even a file can be begun does so, too', async (t) => {
  // Its own folder and that of the models.
  const disk = smallDisk(t, 2);
  if (!disk) return t.skip(NO_MOUNT);
  const port = await listen(
    t,
    createServer((_, response) => response.end(MODEL)),
  );
  const cache = new ModelCache({
    ...{ directory: join(disk, 'models'), server: `http://127.0.0.1:${port}`, deviceId: 'd-1', credential: 'x' },
    maxBytes: 1e9,
  });
  const got = cache.get(SHA256, MODEL.length, new AbortController().signal);
  await assert.rejects(within('the model', got), /the disk of this board is full/);
});

it('a result is delivered, and the job that cannot be written down is run', async (t) => {
  const disk = smallDisk(t);
  if (!disk) return t.skip(NO_MOUNT);
  const { jobs, outbox, sent, answer, log } = agentOn(disk, async ({ request }) => measurementFor(request));
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(join(disk, 'filler'), Buffer.alloc(bavail * bsize));
  jobs.accept(jobFor(t));
  await answer.wait();
  assert.equal(sent.at(-1)?.state, 'succeeded');
  assert.deepEqual([...readdirSync(join(disk, 'jobs')), ...readdirSync(join(disk, 'outbox'))], []);
  assert.deepEqual(
    outbox.waiting().map(({ state }) => state),
    ['succeeded'],
  );
  assert.ok(
    log.some((line) => /kept in memory only.*ENOSPC/.test(line)),
    log.join('\n'),
  );
});
