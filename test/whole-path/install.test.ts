/**
 * The install script on a clean Debian: from `curl` to online, twice, and back to what was there before. It needs root
 * and mmdebstrap, which makes that system in a folder out of Debian's packages; it runs in namespaces of its own.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { it, type TestContext } from 'node:test';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { createClient } from '../../coordinator/cli/client.ts';
import { type ConfigInput, loadConfig } from '../../coordinator/config/config.ts';
import { startCoordinator } from '../../coordinator/main.ts';
import { type BuiltAgent, buildAgent } from '../support/built-agent.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { namespacesMissing } from '../support/tools.ts';
import { event, PROCESS_S, until, within } from '../support/waiting.ts';
import { untilOnline } from './support/system.ts';

it('installs the agent on a clean Debian, and takes it off again without a trace', async (t) => {
  const missing = namespacesMissing('mmdebstrap');
  if (missing) return t.skip(missing);
  const folder = temporaryFolder(t);
  const root = join(folder, 'board');
  const choices = ['--variant=minbase', '--include=systemd,curl', '--dpkgopt=force-unsafe-io'];
  const options = ['--quiet', ...choices, suite(), root];
  const made = spawnSync('mmdebstrap', options, { encoding: 'utf8', timeout: 240_000 });
  // No mirror, or a machine that lets root do less: neither is the install script's fault.
  if (made.status !== 0) return t.skip(`mmdebstrap makes no Debian here: ${made.stderr.trim().split('\n').at(-1)}`);
  const clean = filesIn(root);

  const built = await buildAgent();
  t.after(() => built.remove());
  built.serve('0.1.0');
  const { coordinator, lineFor } = await coordinatorFor(t, built, join(folder, 'data'));
  const { line: install, token } = await lineFor('kitchen-pi');

  const refused = await onBoard(t, root, install.replace(token, 'a-wrong-token'));
  assert.notEqual(refused.code, 0);
  assert.match(refused.output, /this join token is not known[\s\S]*the board is as it was/);
  assert.deepEqual(changes(root, clean), [], 'a failure leaves nothing behind');

  const installed = await onBoard(t, root, install);
  assert.equal(installed.code, 0, installed.output);
  assert.match(
    installed.output,
    /There is no Node\.js 20 or later here[\s\S]*no systemd at work here[\s\S]*edgetune-agent run/,
  );
  const runtimes = [...filesIn(root)].filter((path) => /libonnxruntime/.test(path));
  assert.equal(runtimes.length, 1, 'the binary of this platform only');
  const verified = await onBoard(t, root, 'systemd-analyze verify /etc/systemd/system/edgetune-agent.service');
  assert.equal(verified.code, 0, verified.output);
  assert.equal(verified.output.trim(), '');
  assert.match((await onBoard(t, root, 'systemctl is-enabled edgetune-agent')).output, /^enabled/);
  assert.match(readFileSync(join(root, 'etc/group'), 'utf8'), /^video:.*:edgetune-agent$/m);

  const agent = startOnBoard(t, root, 'edgetune-agent run');
  await untilOnline(coordinator, 'kitchen-pi');
  assert.match((await onBoard(t, root, 'edgetune-agent status')).output, /joined .* as "kitchen-pi"[\s\S]*online/);
  const user = Number(/^edgetune-agent:x:(\d+):/m.exec(readFileSync(join(root, 'etc/passwd'), 'utf8'))?.[1]);
  for (const file of ['enrolment.json', 'agent.sock']) {
    const { uid, mode } = statSync(join(root, 'var/lib/edgetune-agent', file));
    assert.deepEqual([uid, mode & 0o077], [user, 0], `${file} is the agent's own`);
  }
  assert.match((await onBoard(t, root, 'edgetune-agent doctor')).output, /✓ ONNX Runtime: runs a model/);

  const before = filesIn(root);
  const again = await onBoard(t, root, install);
  assert.equal(again.code, 0, again.output);
  assert.deepEqual(changes(root, before), [], 'the same line again changes nothing');
  built.serve('0.2.0', (staged) => writeFileSync(join(staged, 'dist/measure-child.js'), 'process.exit(7);\n'));
  const broken = await onBoard(t, root, install);
  assert.match(broken.output, /the agent does not run here/);
  assert.deepEqual(changes(root, before), [], 'an update that does not work leaves the installed version as it is');

  const removed = await onBoard(t, root, 'edgetune-agent uninstall');
  assert.equal(removed.code, 0, removed.output);
  assert.match(removed.output, /"kitchen-pi" has left the fleet/);
  assert.deepEqual(coordinator.fleet.devices(), []);
  await until('the agent to end', () => agent.exitCode !== null || agent.signalCode !== null, { seconds: PROCESS_S });
  assert.deepEqual(changes(root, clean), []);
  assert.doesNotMatch(readFileSync(join(root, 'etc/passwd'), 'utf8'), /edgetune/);
  assert.doesNotMatch(readFileSync(join(root, 'etc/group'), 'utf8'), /edgetune/);

  // Encrypted: only who has the key of the line is believed, by its curl and by the script and the agent that follow.
  built.serve('0.3.0');
  const encrypted = await coordinatorFor(t, built, join(folder, 'encrypted'), { tls: 'self-signed' });
  const { line, pin } = await encrypted.lineFor('garden-pi');
  const otherPin = `sha256//${Buffer.alloc(32).toString('base64')}`;
  const stranger = await onBoard(t, root, line.replace(pin, otherPin));
  assert.match(stranger.output, /curl: \(90\)/, 'CURLE_SSL_PINNEDPUBKEYNOTMATCH');
  assert.deepEqual(changes(root, clean), []);
  const joined = await onBoard(t, root, line);
  assert.equal(joined.code, 0, joined.output);
  startOnBoard(t, root, 'edgetune-agent run');
  await untilOnline(encrypted.coordinator, 'garden-pi');
  assert.match((await onBoard(t, root, 'edgetune-agent doctor')).output, /✓ fleet: "garden-pi".*which answers/);
  const left = await onBoard(t, root, 'edgetune-agent uninstall');
  assert.match(left.output, /"garden-pi" has left the fleet/);
  assert.deepEqual(changes(root, clean), []);
});

/** A coordinator on this machine, and how a board whose user is root already joins it. */
async function coordinatorFor(t: TestContext, built: BuiltAgent, dataDir: string, settings: ConfigInput = {}) {
  const coordinator = await startCoordinator({
    config: loadConfig({ dataDir, port: 0, mqttPort: 0, ...settings }, {}),
    log: plainLogger((message) => t.diagnostic(message)),
    distDirectory: built.distDirectory,
  });
  t.after(() => coordinator.close());
  const pin = coordinator.tlsPin ?? undefined;
  const client = createClient({ server: coordinator.url.replace('localhost', '127.0.0.1'), pin });
  return {
    coordinator,
    async lineFor(name: string) {
      const { installCommand, token } = await client.addDevice(name);
      return { line: installCommand.replace('sudo ', ''), token, pin: pin ?? '' };
    },
  };
}

/** This machine's Debian, or one that the agent supports. */
function suite(): string {
  const release = readFileSync('/etc/os-release', 'utf8');
  return /^ID=debian$/m.test(release) ? (/^VERSION_CODENAME=(\w+)$/m.exec(release)?.[1] ?? 'bookworm') : 'bookworm';
}

/** All paths of the system but what lives in memory on a real one. */
function filesIn(root: string): Set<string> {
  const inMemory = ['proc', 'dev', 'run', 'tmp'].flatMap((name) => ['-o', '-path', `${root}/${name}`]).slice(1);
  const found = execFileSync('find', [root, '-xdev', '(', ...inMemory, ')', '-prune', '-o', '-print'], {
    encoding: 'utf8',
    maxBuffer: 64e6,
    timeout: 60_000,
  });
  return new Set(
    found
      .trim()
      .split('\n')
      .map((path) => path.slice(root.length)),
  );
}

/** What has come and gone since, as paths with `+` and `-`. */
function changes(root: string, before: Set<string>): string[] {
  const now = filesIn(root);
  return [
    ...[...now].filter((path) => !before.has(path)).map((path) => `+${path}`),
    ...[...before].filter((path) => !now.has(path)).map((path) => `-${path}`),
  ];
}

/** A shell in that system, with processes and mounts of its own and this machine's network. */
function startOnBoard(t: TestContext, root: string, command: string): ChildProcess {
  const child = spawn(
    'unshare',
    ['--mount', '--pid', '--fork', '--kill-child', `--mount-proc=${root}/proc`, 'chroot', root, 'sh', '-c', command],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
    },
  );
  t.after(() => child.kill('SIGKILL'));
  return child;
}

async function onBoard(
  t: TestContext,
  root: string,
  command: string,
): Promise<{ code: number | null; output: string }> {
  const child = startOnBoard(t, root, `exec 2>&1; ${command}`);
  const ended = event(`"${command}" to end`, child, 'exit', 180);
  const output = await within(`the output of "${command}"`, text(child.stdout as Readable), 180);
  return { code: (await ended)[0], output };
}
