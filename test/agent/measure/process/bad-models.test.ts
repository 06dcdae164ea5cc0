/** Models that eat all memory, bring down their process or never return: each is a result with a reason, and nothing is left behind. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it, type TestContext } from 'node:test';
import type { BoardDescription } from '@edgetune/shared/domain/device.ts';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import type { Job } from '@edgetune/shared/protocol/job.ts';
import type { JobUpdateMessage } from '@edgetune/shared/protocol/messages.ts';
import { boardSetup } from '../../../../agent/board/board-setup.ts';
import { type Host, HostError } from '../../../../agent/board/host.ts';
import { systemHost } from '../../../../agent/board/system-host.ts';
import { measureModel } from '../../../../agent/measure/measure-model.ts';
import { findHierarchy, groupsIn } from '../../../../agent/measure/process/cgroup-hierarchy.ts';
import { createMemoryGuard, removeStaleGroups } from '../../../../agent/measure/process/memory-guard.ts';
import { RejectedError } from '../../../../agent/rejected-error.ts';
import { JobJournal } from '../../../../agent/session/job-journal.ts';
import { JobRunner } from '../../../../agent/session/job-runner.ts';
import { Outbox } from '../../../../agent/session/outbox.ts';
import { describeBoard } from '../../../../agent/this-machine/describe-board.ts';
import { measureRequestFor, type RequestChange } from '../../../support/measuring.ts';
import { endlessModel, hungryModel, reluModel } from '../../../support/models.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { Arrival, event, PROCESS_S, until, within } from '../../../support/waiting.ts';

const MB = 1e6;
const never = new AbortController().signal;
let board: BoardDescription;
before(async () => {
  board = await describeBoard();
});

function measure(
  t: TestContext,
  model: Uint8Array,
  change: RequestChange = {},
  host: Host = systemHost(),
  signal = never,
) {
  const modelPath = join(temporaryFolder(t), 'model.onnx');
  writeFileSync(modelPath, model);
  const context = { board, modelPath, signal };
  const setup = boardSetup({ host, toleratesLoad: true });
  return within('a measurement', measureModel(measureRequestFor(modelPath, change), context, setup), PROCESS_S);
}

/** This machine, but for its control groups. */
function withoutCgroups(): Host {
  const host = systemHost();
  return {
    ...host,
    read: (path) => {
      if (path === '/proc/self/mountinfo') throw new HostError('missing', path);
      return host.read(path);
    },
  };
}

describe('a model that eats memory', () => {
  it('that asks for more at once than there can be has run out of it, and has not crashed', async (t) => {
    const measured = await measure(t, hungryModel(1e13), { memoryLimitBytes: null }, systemHost());
    assert.equal(measured.outcome, 'out-of-memory', measured.reason ?? '');
  });

  const cases: [string, () => Host][] = [
    ['in a control group', systemHost],
    ['watched, where no control group can be had', withoutCgroups],
  ];
  for (const [name, hostOf] of cases) {
    it(`is ended at its limit, and says so: ${name}`, async (t) => {
      if (name === 'in a control group' && !(await hasCgroups(hostOf())))
        return t.skip('this process may make no control groups with a memory limit');
      const measured = await measure(t, hungryModel(150 * MB), { memoryLimitBytes: 200 * MB }, hostOf());
      assert.equal(measured.outcome, 'out-of-memory');
      assert.equal(measured.reason, 'out of memory at 200 MB');
      assert.deepEqual(measuringProcesses(), []);
    });

    it(`is ended where the board has less to spare than the limit, and says at how much: ${name}`, async (t) => {
      const host = hostOf();
      // 90 % of it is 225 MB.
      const read = (path: string) => (path === '/proc/meminfo' ? 'MemAvailable: 244140 kB' : host.read(path));
      const change = { memoryLimitBytes: 1e12 };
      const measured = await measure(t, hungryModel(150 * MB), change, { ...host, read });
      assert.deepEqual([measured.outcome, measured.reason], ['out-of-memory', 'out of memory at 225 MB']);
    });

    it(`is measured below its limit: ${name}`, async (t) => {
      const measured = await measure(t, hungryModel(20 * MB), { memoryLimitBytes: 200 * MB }, hostOf());
      assert.equal(measured.outcome, 'ok', measured.reason ?? '');
      const peakMb = (measured.peakMemoryBytes ?? 0) / MB;
      assert.ok(peakMb > 80 && peakMb < 200, `${peakMb} MB`);
    });
  }

  it('leaves no control group behind', (t) => {
    const hierarchy = findHierarchy(systemHost());
    if (!hierarchy) return t.skip('there are no control groups here');
    assert.deepEqual(groupsIn(systemHost(), hierarchy, `edgetune-measure-${process.pid}-`), []);
  });
});

async function hasCgroups(host: Host): Promise<boolean> {
  const guard = await createMemoryGuard(host, null);
  await guard.close();
  return guard.launcher.length > 0;
}

it('a job for a runner or an execution provider that is not there is rejected, naming it', async (t) => {
  for (const [config, reason] of [
    [{ runner: 'trtexec', executionProvider: 'tensorrt' }, /the runner trtexec is not installed/],
    [{ executionProvider: 'cuda' }, /the execution provider cuda is not there/],
  ] as const)
    await assert.rejects(
      measure(t, reluModel(), { config }),
      (error: Error) => error instanceof RejectedError && reason.test(error.message),
    );
});

it('control groups of an agent that was killed are removed when the next one starts, with what runs in them', async (t) => {
  const host = systemHost();
  const hierarchy = findHierarchy(host);
  if (!hierarchy || !(await hasCgroups(host))) return t.skip('this process may make no control groups here');
  const sleeper = () => {
    const child = spawn('sleep', ['1000']);
    return { child, ended: event('a sleeping process to end', child, 'exit') };
  };
  const [agent, stuck] = [sleeper(), sleeper()];
  // While its agent lives, no other one on this machine (that of another test) removes the group.
  const folder = join(hierarchy.parent, `edgetune-measure-${agent.child.pid}-0`);
  mkdirSync(folder);
  writeFileSync(join(folder, 'cgroup.procs'), String(stuck.child.pid));
  agent.child.kill('SIGKILL');
  await agent.ended;
  await removeStaleGroups(systemHost());
  assert.equal((await stuck.ended)[1], 'SIGKILL');
  assert.ok(!existsSync(folder));
});

it('a measuring process does not end by the signals that ask the agent to', async (t) => {
  const modelPath = join(temporaryFolder(t), 'model.onnx');
  writeFileSync(modelPath, reluModel());
  const mayBegin = async () => {
    const [pid] = measuringProcesses() as [number];
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.kill(pid, signal);
  };
  const context = { board, modelPath, signal: never, mayBegin };
  const measuring = measureModel(measureRequestFor(modelPath), context, boardSetup({ toleratesLoad: true }));
  const { outcome } = await within('a measurement', measuring, PROCESS_S);
  assert.equal(outcome, 'ok');
});

describe('a model that brings down its process', () => {
  for (const signal of ['SIGKILL', 'SIGSEGV'] as const)
    it(`has crashed: ${signal}, and memory was not short`, async (t) => {
      const run = measure(t, reluModel(), { stopRule: { minDurationMs: 5000 } });
      const pid = await theMeasuringProcess();
      process.kill(pid, signal);
      const measured = await run;
      assert.equal(measured.outcome, 'crashed');
      assert.match(measured.reason ?? '', new RegExp(`the measuring process ended by ${signal}`));
    });

  const runners: [string, string, RegExp][] = [
    ['dies', 'kill -SEGV $$', /the Python side-car ended by SIGSEGV/],
    ['is not what it seems', 'echo "Segmentation fault"; cat > /dev/null', /JSON|Segmentation/],
    ['is not there any more', '', /could not be started/],
  ];
  for (const [name, script, reason] of runners)
    it(`has crashed: its runner ${name}`, async (t) => {
      const python = join(temporaryFolder(t), 'python3');
      if (script) {
        writeFileSync(python, `#!/bin/sh\n${script}\n`);
        chmodSync(python, 0o755);
      }
      process.env.EDGETUNE_AGENT_PYTHON = python;
      t.after(() => delete process.env.EDGETUNE_AGENT_PYTHON);
      const modelPath = join(temporaryFolder(t), 'model.onnx');
      writeFileSync(modelPath, reluModel());
      const runtime = {
        runner: 'onnxruntime-python',
        version: '1',
        executionProviders: ['cpu'],
        precisions: [],
      } as const;
      const measured = await measureModel(
        measureRequestFor(modelPath, { config: { runner: 'onnxruntime-python' } }),
        {
          board: { ...board, runtimes: [{ ...runtime, executionProviders: ['cpu'], precisions: [] }] },
          modelPath,
          signal: never,
        },
        boardSetup({ toleratesLoad: true }),
      );
      assert.equal(measured.outcome, 'crashed');
      assert.match(measured.reason ?? '', reason);
    });
});

describe('a model that never returns', () => {
  it('times out as a job, and its process is ended', async (t) => {
    const folder = temporaryFolder(t);
    const modelPath = join(folder, 'model.onnx');
    writeFileSync(modelPath, endlessModel());
    const answer = new Arrival<JobUpdateMessage>('the endless job to be answered');
    const jobs = new JobRunner({
      measure: ({ request }, signal, mayBegin) =>
        measureModel(request, { board, modelPath, signal, mayBegin }, boardSetup({ toleratesLoad: true })),
      outbox: new Outbox(
        join(folder, 'outbox'),
        plainLogger(() => {}),
      ),
      journal: new JobJournal(
        join(folder, 'jobs'),
        plainLogger(() => {}),
      ),
      send: (update) => {
        if (update.state !== 'accepted' && update.state !== 'running') answer.come(update);
      },
    });
    const job: Job = {
      jobId: 'endless',
      attempt: 1,
      leaseToken: 'lease',
      stepTimeoutMs: 4000,
      waitForHost: false,
      request: measureRequestFor(modelPath),
    };
    jobs.accept(job);
    const { state, reason } = await answer.wait(PROCESS_S);
    assert.deepEqual([state, reason], ['timed-out', 'the job did not end within 4 s']);
    assert.deepEqual(measuringProcesses(), []);
  });
});

describe('a clock that jumps', () => {
  it('changes no figure', async (t) => {
    let now = Date.now();
    t.mock.method(Date, 'now', () => {
      now += now % 2 === 0 ? 86_400_001 : -172_800_003;
      return now;
    });
    const measured = await measure(t, reluModel());
    assert.equal(measured.outcome, 'ok', measured.reason ?? '');
    assert.ok(measured.cost.deviceSeconds > 0 && measured.cost.deviceSeconds < 60, `${measured.cost.deviceSeconds} s`);
    const { mean = 0 } = measured.latencyMs ?? {};
    assert.ok(mean > 0 && mean < 1000);
    assert.ok((measured.conditions.otherLoadCores ?? 0) < 1000);
  });
});

/** Ids of measuring processes that this one has started. */
function measuringProcesses(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const isMine = new RegExp(`^PPid:\\s+${process.pid}$`, 'm').test(readFileSync(`/proc/${pid}/status`, 'utf8'));
        return isMine && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('measure-child');
      } catch {
        return false; // It has ended while it was looked at.
      }
    });
}

/** The measuring process, once it runs Node.js (and not the commands that lead to it). */
async function theMeasuringProcess(): Promise<number> {
  const find = () => measuringProcesses().find((each) => /^Name:\s+(node|MainThread)/m.test(statusOf(each)));
  await until('the measuring process to run', () => find() !== undefined, { seconds: PROCESS_S });
  return find() as number;
}

function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return '';
  }
}
