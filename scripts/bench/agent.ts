/** `npm run bench`, the agent's row: what an installed agent takes of a board while it has nothing to do. */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { TICKS_PER_S } from '../../agent/board/kernel-time.ts';
import { localStatus } from '../../agent/session/local-status.ts';
import { loadConfig } from '../../coordinator/config/config.ts';
import { createAgentRelease } from '../../coordinator/fleet/agent-release.ts';
import { startCoordinator } from '../../coordinator/main.ts';
import { buildAgent } from '../../test/support/built-agent.ts';
import { layOutAgent } from '../../test/support/installed-agent.ts';
import { type BenchTable, report } from './support.ts';

const SETTLE_MS = 15_000;
const WINDOW_S = 30;

/** Installs an agent in a folder, lets it join a coordinator of its own, and watches it while it idles. Linux only. */
export async function benchAgent(): Promise<BenchTable> {
  const folder = mkdtempSync(join(tmpdir(), 'edgetune-bench-'));
  const ending: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })];
  const after = (end: () => unknown) => void ending.unshift(end);
  try {
    const built = await buildAgent();
    after(() => built.remove());
    built.serve('0.1.0');
    const tarball = join(built.distDirectory, 'agent.tgz');
    const release = createAgentRelease({ tarball, directory: join(folder, 'release') });
    const file = await release.agentFor(`linux-${process.arch}` as 'linux-x64' | 'linux-arm64');
    const coordinator = await startCoordinator({
      config: loadConfig({ dataDir: join(folder, 'data'), port: 0, mqttPort: 0 }, {}),
      log: plainLogger(() => {}),
    });
    after(() => coordinator.close());
    const { token } = await coordinator.fleet.addDevice('idle');
    const agent = layOutAgent({ after }, join(folder, 'board'), { version: '0.1.0', file });
    agent.start('run', '--server', coordinator.url, '--token', token);
    const { pid } = await connected(join(folder, 'board/data'));
    await sleep(SETTLE_MS);
    const ticks = cpuTicks(pid);
    await sleep(WINDOW_S * 1000);
    return {
      title: `An installed agent that has nothing to do (real board, ${WINDOW_S} s, after ${SETTLE_MS / 1000} s)`,
      rows: [
        {
          'packed kB': statSync(tarball).size / 1000,
          'download with ONNX Runtime MB': file.bytes / 1e6,
          'resident MB': residentKiB(pid, 'VmRSS') / 1024,
          'of which its own MB': residentKiB(pid, 'RssAnon') / 1024,
          'peak MB': residentKiB(pid, 'VmHWM') / 1024,
          '% of a core': ((cpuTicks(pid) - ticks) / TICKS_PER_S / WINDOW_S) * 100,
        },
      ],
    };
  } finally {
    for (const end of ending) await end();
  }
}

async function connected(dataDirectory: string): Promise<{ pid: number }> {
  for (;;) {
    const status = await localStatus(dataDirectory);
    if (status?.connected) return status;
    await sleep(200);
  }
}

/** A field of /proc/PID/status, in KiB. */
function residentKiB(pid: number, field: string): number {
  const found = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(found?.[1] ?? Number.NaN);
}

/** User and system time (fields 14 and 15 of /proc/PID/stat; the name before them may have spaces). */
function cpuTicks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

if (process.argv[1] === import.meta.filename) {
  report([await benchAgent()]);
  process.exit();
}
