/** What a board downloads: the install script with the coordinator's address, the agent for its platform, Node.js. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { after, before, it, type TestContext } from 'node:test';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { addDeviceResponseSchema } from '@edgetune/shared/protocol/http.ts';
import { fetchPinned } from '@edgetune/shared/runtime/pinned-fetch.ts';
import { loadConfig } from '../../../coordinator/config/config.ts';
import { startCoordinator } from '../../../coordinator/main.ts';
import { ask } from '../../support/ask.ts';
import { type BuiltAgent, buildAgent } from '../../support/built-agent.ts';
import { boardDescription } from '../../support/fleet.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { event } from '../../support/waiting.ts';

let built: BuiltAgent;
before(async () => {
  built = await buildAgent();
  built.serve('0.1.0');
});
after(() => built.remove());

async function coordinator(t: TestContext, settings: object = {}) {
  const config = loadConfig({ dataDir: temporaryFolder(t), port: 0, mqttPort: 0, ...settings }, {});
  const started = await startCoordinator({ config, log: plainLogger(() => {}), distDirectory: built.distDirectory });
  t.after(() => started.close());
  return started;
}

it('gives an install script with its own address in it, and a line that runs it', async (t) => {
  const { url } = await coordinator(t);
  const answer = await ask(new URL('/api/devices', url), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'kitchen-pi' }),
  });
  const { installCommand, token } = addDeviceResponseSchema.parse(await answer.json());
  assert.equal(installCommand, `curl -fsSL ${url}/install.sh | sudo sh -s -- --name kitchen-pi --token ${token}`);
  const script = await (await ask(new URL('/install.sh', url))).text();
  assert.ok(script.includes(`server='${url}'\npin=''\n`));
  assert.ok(!script.includes('@SERVER@'));
});

it('gives a line and a script that believe its own key only, where it encrypts', async (t) => {
  const { url, tlsPin } = await coordinator(t, { tls: 'self-signed' });
  const pinned = fetchPinned(tlsPin as string);
  const headers = { 'content-type': 'application/json' };
  const answer = await pinned(new URL('/api/devices', url), { method: 'POST', headers, body: '{"name":"kitchen-pi"}' });
  const { installCommand, command, token } = addDeviceResponseSchema.parse(await answer.json());
  const curl = `curl -fsSk --pinnedpubkey '${tlsPin}'`;
  assert.equal(installCommand, `${curl} ${url}/install.sh | sudo sh -s -- --name kitchen-pi --token ${token}`);
  assert.ok(command.startsWith(`${curl} -o edgetune-agent.tgz ${url}/agent.tgz && `));
  assert.ok(command.endsWith(`edgetune-agent run --server ${url} --pin ${tlsPin} --token ${token}`));
  const script = await (await pinned(new URL('/install.sh', url))).text();
  assert.ok(script.includes(`server='${url}'\npin='${tlsPin}'\n`));
});

it('names the public address where there is one, and nothing that is no address', async (t) => {
  const { url } = await coordinator(t, { publicUrl: 'https://tuner.example/edge/' });
  const script = await (await ask(new URL('/install.sh', url))).text();
  assert.ok(script.includes("server='https://tuner.example/edge'"));
  const plain = await coordinator(t);
  // A Host header that is allowed because it looks like an IPv6 address.
  const odd = request(`${plain.url}/install.sh`, { headers: { host: "['; reboot; ']" } });
  const [answer] = await event('the answer to an odd host', odd.end(), 'response');
  assert.equal(answer.statusCode, 400);
  const tilde = await coordinator(t, { publicUrl: 'https://tuner.example/~edge' });
  const refused = await ask(new URL('/install.sh', tilde.url));
  assert.equal(refused.status, 500);
  assert.match(await refused.text(), /publicUrl is https:\/\/tuner\.example\/~edge/);
});

it('puts the agent together with the ONNX Runtime of one platform', async (t) => {
  const { url } = await coordinator(t);
  const folder = temporaryFolder(t);
  for (const [platform, other] of [
    ['linux-arm64', 'x64'],
    ['linux-x64', 'arm64'],
  ] as const) {
    const bytes = new Uint8Array(await (await ask(new URL(`/install/agent-${platform}.tgz`, url))).arrayBuffer());
    const sum = await (await ask(new URL(`/install/agent-${platform}.tgz.sha256`, url))).text();
    assert.equal(sum, `${createHash('sha256').update(bytes).digest('hex')}  agent-${platform}.tgz\n`);
    const archive = join(folder, `${platform}.tgz`);
    writeFileSync(archive, bytes);
    const files = execFileSync('tar', ['-tzf', archive], { encoding: 'utf8', timeout: 60_000 }).trim().split('\n');
    const binaries = files.filter((file) => /\.node$|\.so/.test(file));
    assert.ok(binaries.length >= 2, 'the binding and the library');
    assert.ok(binaries.every((file) => file.includes(platform.replace('-', '/')) && !file.includes(`/${other}/`)));
    for (const needed of ['bin/edgetune-agent.js', 'install/edgetune-agent.service', 'dist/measure-child.js'])
      assert.ok(files.includes(`package/${needed}`), needed);
  }
  assert.equal((await ask(new URL('/install/agent-linux-arm.tgz', url))).status, 404);
  const { status, headers } = await ask(new URL('/install/agent-linux-x64.tgz', url), { method: 'HEAD' });
  assert.deepEqual([status, Number(headers.get('content-length')) > 1e6], [200, true]);
  assert.deepEqual(
    openFiles().filter((path) => path.includes('agent-linux-')),
    [],
  );
});

it('lets a device leave with its own credential only', async (t) => {
  const { url, fleet } = await coordinator(t);
  const { token } = await fleet.addDevice('kitchen-pi');
  await fleet.addDevice('attic-pi');
  const { deviceId, credential } = await fleet.enroll({ token, board: boardDescription() });
  const leave = (authorization: string) =>
    ask(new URL('/api/enroll', url), { method: 'DELETE', headers: { authorization } });
  assert.equal((await leave(`Bearer ${deviceId}:${'x'.repeat(32)}`)).status, 401);
  assert.equal((await leave('Bearer nonsense')).status, 401);
  assert.equal((await leave(`Bearer ${deviceId}:${credential}`)).status, 204);
  assert.deepEqual(
    fleet.devices().map(({ name }) => name),
    ['attic-pi'],
  );
});

/** Those of this process, on Linux. */
function openFiles(): string[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return []; // It was closed while it was looked at.
    }
  });
}
