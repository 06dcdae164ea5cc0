/** What boards install: put together once, from the coordinator's own installation. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { createAgentRelease } from '../../../coordinator/fleet/agent-release.ts';
import { NotWrittenError } from '../../../coordinator/lifecycle/not-written-error.ts';
import { mountSmallDisk, type SmallDisk, whyNoSmallDisk } from '../../../scripts/soak/small-disk.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { turn, within } from '../../support/waiting.ts';

const sha256Of = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');

/** An agent that was packed into a folder, and what is made of it. */
function packedAgent(t: TestContext) {
  const folder = temporaryFolder(t);
  const [tarball, directory] = [join(folder, 'agent.tgz'), join(folder, 'made')];
  const build = (version: string) => {
    mkdirSync(join(folder, 'package'), { recursive: true });
    writeFileSync(join(folder, 'package/package.json'), JSON.stringify({ version }));
    execFileSync('tar', ['-czf', tarball, 'package'], { cwd: folder, timeout: 60_000 });
  };
  return { tarball, directory, build, release: createAgentRelease({ tarball, directory }) };
}

describe('the agent', () => {
  it('is put together with the ONNX Runtime of one platform, without what a board has no use for', async (t) => {
    const { tarball, directory, build, release } = packedAgent(t);
    build('1.2.3');
    const runtime = createRequire(import.meta.url)('onnxruntime-node/package.json') as { version: string };
    const [platform, folder] = ['linux-arm64', 'linux/arm64'] as const;
    const made = await within('the agent to be put together', release.agentFor(platform), 120);
    const name = `agent-${platform}-${runtime.version}-${sha256Of(tarball).slice(0, 12)}.tgz`;
    assert.equal(made.path, join(directory, name));
    assert.deepEqual([made.sha256, made.bytes], [sha256Of(made.path), readFileSync(made.path).length]);
    const listed = execFileSync('tar', ['-tzf', made.path], { encoding: 'utf8', timeout: 60_000 });
    const files = listed.trim().split('\n');
    const modules = 'package/node_modules';
    for (const needed of [
      'package/package.json',
      `${modules}/onnxruntime-node/package.json`,
      `${modules}/onnxruntime-node/dist/index.js`,
      `${modules}/onnxruntime-common/package.json`,
      `${modules}/onnxruntime-common/dist/cjs/index.js`,
    ])
      assert.ok(files.includes(needed), needed);
    const binaries = files.filter((file) => /\.node$|\.so/.test(file));
    assert.equal(binaries.length, 2, 'the binding and the library');
    for (const file of binaries) assert.ok(file.includes(`/${folder}/`), file);
    assert.deepEqual(
      files.filter((file) => /\.map$|\.d\.ts$|dist\/esm/.test(file)),
      [],
    );
    assert.equal(readdirSync(directory).length, 1, 'and nothing else');
  });

  it('is refused with the reason where its archive cannot be written, and that ends nothing else', async (t) => {
    const { build, release } = packedAgent(t);
    build('1.2.3');
    const bin = temporaryFolder(t);
    const tar = join(bin, 'tar');
    // It is there to unpack, and gone when the archive is to be made.
    const path = process.env.PATH;
    writeFileSync(tar, `#!/bin/sh\nPATH='${path}'\ncase $1 in -xzf) rm ${tar};; esac\nexec tar "$@"\n`, {
      mode: 0o755,
    });
    t.after(() => {
      process.env.PATH = path;
    });
    process.env.PATH = bin;
    await assert.rejects(within('the refusal', release.agentFor('linux-x64'), 120), { code: 'ENOENT' });
    await turn();
  });

  it('is refused on a full disk as everything is, and made when there is space', {
    skip: whyNoSmallDisk() ?? false,
  }, async (t) => {
    let disk: SmallDisk | null = null;
    // Unmounted before its folder is removed.
    t.after(() => disk?.unmount());
    const { tarball, build } = packedAgent(t);
    build('1.2.3');
    disk = mountSmallDisk(join(temporaryFolder(t), 'disk'), 120);
    disk.fill(1_000_000);
    const release = createAgentRelease({ tarball, directory: join(disk.path, 'made') });
    await assert.rejects(
      within('the refusal', release.agentFor('linux-x64'), 120),
      (error) => error instanceof NotWrittenError && /^the disk is full: .*agent-linux-x64-/.test(error.message),
    );
    disk.free();
    assert.ok((await within('the agent to be put together', release.agentFor('linux-x64'), 120)).bytes > 1_000_000);
  });

  it('is made once, also for those who ask meanwhile and after a restart; an older build goes', async (t) => {
    const { tarball, directory, build, release } = packedAgent(t);
    build('1.0.0');
    const [one, two] = await within(
      'the agent to be put together',
      Promise.all([release.agentFor('linux-arm64'), release.agentFor('linux-arm64')]),
      120,
    );
    assert.equal(one, two, 'the same answer');
    writeFileSync(one.path, 'as it was made');
    assert.equal(await release.agentFor('linux-arm64'), one);
    const restarted = createAgentRelease({ tarball, directory });
    const found = await restarted.agentFor('linux-arm64');
    assert.deepEqual([found.path, found.bytes], [one.path, 'as it was made'.length]);
    assert.equal(found.sha256, sha256Of(one.path));
    writeFileSync(join(directory, 'agent-linux-x64-of-old.tgz'), '');
    const packed = new Uint8Array(readFileSync(tarball));
    build('1.0.1');
    const newer = await within('the newer one to be put together', restarted.agentFor('linux-arm64'), 120);
    assert.ok(newer.bytes > 1e6);
    const names = () => readdirSync(directory).sort();
    assert.deepEqual(names(), [newer.path.split('/').at(-1), 'agent-linux-x64-of-old.tgz'].sort());
    // The earlier build comes back: its file was removed.
    writeFileSync(tarball, packed);
    const back = Promise.all([restarted.agentFor('linux-arm64'), restarted.agentFor('linux-arm64')]);
    const [first, second] = await within('the first one to be put together again', back, 120);
    assert.deepEqual([first.path, first], [one.path, second]);
    assert.deepEqual(names(), [one.path.split('/').at(-1), 'agent-linux-x64-of-old.tgz'].sort());
  });

  it('has the version of its package, read again where it was built anew; none where none was built', async (t) => {
    const { tarball, build, release } = packedAgent(t);
    assert.equal(await release.version(), null);
    await assert.rejects(release.agentFor('linux-x64'), /not packed here: run "npm run build" in the checkout/);
    build('1.0.0');
    assert.equal(await release.version(), '1.0.0');
    build('1.0.0-next.1');
    assert.equal(await release.version(), '1.0.0-next.1');
    rmSync(tarball);
    assert.equal(await release.version(), null);
  });

  it('of a platform whose binary is not installed cannot be had, and no half of it stays', async (t) => {
    const { directory, build, release } = packedAgent(t);
    build('1.0.0');
    await assert.rejects(
      release.agentFor('linux-riscv64' as never),
      /onnxruntime-node .* of this coordinator has no binary for linux-riscv64: install it again/,
    );
    assert.deepEqual(readdirSync(directory), []);
  });
});
