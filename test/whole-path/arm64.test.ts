/**
 * The agent's own arm64 install — Node.js from npm, the arm64 binary of ONNX Runtime — under an emulated processor,
 * through joining, a job and its result. It needs root, qemu-user-static and an arm64 C library (Debian:
 * libc6-arm64-cross, libstdc++6-arm64-cross).
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { loadConfig } from '../../coordinator/config/config.ts';
import { createAgentRelease } from '../../coordinator/fleet/agent-release.ts';
import { startCoordinator } from '../../coordinator/main.ts';
import { convModel } from '../coordinator/inference/support/conv-model.ts';
import { ask } from '../support/ask.ts';
import { buildAgent } from '../support/built-agent.ts';
import { measureRequest } from '../support/fleet.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { namespacesMissing } from '../support/tools.ts';
import { within } from '../support/waiting.ts';
import { untilOnline } from './support/system.ts';

const EMULATOR = 'qemu-aarch64-static';
/** Where Debian's cross packages put an arm64 system's libraries. */
const LIBRARIES = '/usr/aarch64-linux-gnu';
/** As the kernel shows a Cortex-A72: ONNX Runtime chooses its kernels by it, and the machine's own is of another kind. */
const CPUINFO = `processor\t: 0
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm crc32 cpuid
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x0
CPU part\t: 0xd08
CPU revision\t: 3

`;

function cannotRun(): string | null {
  if (process.arch === 'arm64') return 'this machine is an arm64 one itself: all other tests are this test';
  const missing = namespacesMissing(EMULATOR);
  if (missing) return missing;
  const absent = ['libc.so.6', 'libstdc++.so.6'].filter((name) => !existsSync(join(LIBRARIES, 'lib', name)));
  return absent.length > 0 ? `it needs ${absent.join(' and ')} in ${LIBRARIES}/lib` : null;
}

it('measures on arm64', async (t) => {
  const reason = cannotRun();
  if (reason) return t.skip(reason);
  const folder = temporaryFolder(t, { cpuinfo: CPUINFO });
  const built = await buildAgent();
  t.after(() => built.remove());
  built.serve('0.1.0');
  const release = createAgentRelease({
    tarball: join(built.distDirectory, 'agent.tgz'),
    directory: join(folder, 'release'),
  });
  const unpack = async (file: Promise<{ path: string }>, name: string) => {
    mkdirSync(join(folder, name));
    execFileSync('tar', ['-xzf', (await file).path, '-C', join(folder, name), '--strip-components=1'], {
      timeout: 120_000,
    });
  };
  await unpack(release.nodeFor('linux-arm64'), 'node');
  await unpack(release.agentFor('linux-arm64'), 'agent');

  const coordinator = await startCoordinator({
    config: loadConfig({ dataDir: join(folder, 'data'), port: 0, mqttPort: 0 }, {}),
    log: plainLogger((message) => t.diagnostic(message)),
  });
  t.after(() => coordinator.close());
  const { token } = await coordinator.fleet.addDevice('emulated-pi');
  const upload = await ask(new URL('/api/bench/models', coordinator.url), { method: 'POST', body: convModel({}) });
  const model = (await upload.json()) as { modelSha256: string; modelBytes: number; signature: string };

  const emulated = join(folder, 'emulated-node');
  writeFileSync(emulated, `#!/bin/sh\nexec ${EMULATOR} -L ${LIBRARIES} ${join(folder, 'node/bin/node')} "$@"\n`, {
    mode: 0o755,
  });
  // The agent's child processes are emulated, too: without this they would be started as programs of this machine.
  const preload = `data:text/javascript,process.execPath=${JSON.stringify(emulated)}`;
  // Whatever else this machine does is no business of this test.
  const flags = ['--server', coordinator.url, '--token', token, '--data-dir', join(folder, 'board'), '--tolerate-load'];
  const agent = spawn(
    'unshare',
    ['--mount', 'sh', '-c', 'mount --bind "$0" /proc/cpuinfo && exec "$@"', join(folder, 'cpuinfo')].concat([
      emulated,
      join(folder, 'agent/bin/edgetune-agent.js'),
      'run',
      ...flags,
    ]),
    {
      env: { ...process.env, NODE_OPTIONS: `--import=${encodeURI(preload)}` },
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  );
  t.after(() => agent.kill('SIGKILL'));
  await untilOnline(coordinator, 'emulated-pi');
  const device = coordinator.fleet.device('emulated-pi');
  assert.equal(device?.board?.architecture, 'arm64');

  const few = { minRuns: 3, maxRuns: 3, minDurationMs: 0 };
  const request = measureRequest({ ...model, stopRule: { ...measureRequest().stopRule, ...few } });
  const measuring = coordinator.fleet.measure(device.id, request, { studyId: null, signal: t.signal });
  const measurement = await within('the emulated board to measure', measuring, 240);
  assert.ok(['ok', 'invalid'].includes(measurement.outcome), `${measurement.outcome}: ${measurement.reason}`);
  t.diagnostic(`p50 ${measurement.latencyMs?.p50.toFixed(3)} ms on the emulated processor (${measurement.outcome})`);
});
