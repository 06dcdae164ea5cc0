/** A backup is taken while the coordinator runs, holds what it needs to go on elsewhere, and is put back whole or not at all. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { backUp } from '../../coordinator/backup.ts';
import { loadIdentity } from '../../coordinator/config/identity.ts';
import { restore } from '../../coordinator/restore.ts';
import { openStore } from '../../coordinator/store/store.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { within } from '../support/waiting.ts';

const device = (id: string) => ({
  ...{ id, name: `named-${id}`, addedAt: '2026-01-01T00:00:00.000Z', joinedAt: null, lastSeenAt: null },
  ...{ board: null, credentialHash: null },
});
const MODEL = new TextEncoder().encode('a model');
const NOW = new Date('2026-01-02T03:04:05.678Z');

/** A data directory that a coordinator is at work in. */
async function running(t: TestContext) {
  const dataDir = temporaryFolder(t, {
    'edgetune.yaml': 'port: 8081\n',
    'tls/key.pem': 'k',
    'tls/cert.pem': 'c',
    'install/node.tgz': '',
  });
  const store = openStore(dataDir);
  let isOpen = true;
  const close = () => {
    if (isOpen) store.close();
    isOpen = false;
  };
  t.after(close);
  const { coordinator } = loadIdentity(dataDir);
  await store.devices.insert(device('d-1'));
  const model = await store.blobs.put(MODEL);
  const file = join(temporaryFolder(t), 'edgetune.tar');
  return { dataDir, store, close, coordinator, model, file };
}

function contentOf(dataDir: string) {
  const store = openStore(dataDir);
  try {
    return store.devices.list().map(({ id }) => id);
  } finally {
    store.close();
  }
}

describe('a backup', () => {
  it('is taken while the coordinator runs, for its owner only, and goes on elsewhere', async (t) => {
    const { dataDir, store, coordinator, model, file } = await running(t);
    const { bytes, blobs, createdAt } = await backUp(dataDir, file, { now: NOW });
    assert.deepEqual([bytes, blobs, createdAt], [statSync(file).size, 1, NOW.toISOString()]);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    await store.devices.insert(device('d-2'));
    const left = readdirSync(dataDir).filter((name) => name.startsWith('backup'));
    assert.deepEqual([left, readdirSync(join(file, '..'))], [[], ['edgetune.tar']], 'nothing else is left');

    const elsewhere = join(temporaryFolder(t), 'new');
    const { manifest, movedTo } = await restore(elsewhere, file);
    assert.deepEqual([manifest.createdAt, movedTo], [createdAt, null]);
    assert.deepEqual(contentOf(elsewhere), ['d-1']);
    assert.deepEqual(loadIdentity(elsewhere).coordinator, coordinator, 'boards know it');
    const kept = ['edgetune.yaml', 'tls/key.pem', 'tls/cert.pem'].map((name) =>
      readFileSync(join(elsewhere, name), 'utf8'),
    );
    assert.deepEqual(kept, ['port: 8081\n', 'k', 'c']);
    assert.equal(statSync(join(elsewhere, 'identity/coordinator.json')).mode & 0o777, 0o600);
    const again = openStore(elsewhere);
    t.after(() => again.close());
    assert.deepEqual(new Uint8Array(await again.blobs.get(model)), MODEL);
    assert.ok(!existsSync(join(elsewhere, 'install')), 'what is made anew is not in it');
  });

  it('is of one moment, however much is written meanwhile', async (t) => {
    const { dataDir, store, file } = await running(t);
    const write = (id: string) =>
      Promise.all([
        store.devices.insert(device(id)),
        store.devices.insertToken({ tokenHash: `t-${id}`, deviceId: id, expiresAt: '', usedAt: null }),
        store.blobs.put(new TextEncoder().encode(id)),
      ]);
    const ofWrites = Array.from({ length: 200 }, (_, index) => `d-w${index}`);
    const writing = ofWrites.reduce<Promise<unknown>>((before, id) => before.then(() => write(id)), Promise.resolve());
    await backUp(dataDir, file);
    await within('the writes to end', writing);
    const elsewhere = temporaryFolder(t);
    await restore(elsewhere, file);
    const again = openStore(elsewhere);
    t.after(() => again.close());
    const ids = again.devices.list().map(({ id }) => id);
    assert.deepEqual(ids, ['d-1', ...ids.slice(1).map((_, index) => `d-w${index}`)], 'a beginning of what was written');
    for (const id of ids.slice(1)) assert.equal(again.devices.token(`t-${id}`)?.deviceId, id);
  });

  it('without models leaves those that are there where they are', async (t) => {
    const { dataDir, store, model, file, close } = await running(t);
    const { blobs } = await backUp(dataDir, file, { withBlobs: false });
    assert.equal(blobs, null);
    await store.devices.insert(device('d-2'));
    close();
    await restore(dataDir, file, { replace: true });
    assert.deepEqual(contentOf(dataDir), ['d-1']);
    const again = openStore(dataDir);
    t.after(() => again.close());
    assert.ok(again.blobs.has(model));
  });

  it('overwrites nothing, and is not made of nothing', async (t) => {
    const { dataDir, file } = await running(t);
    writeFileSync(file, 'what somebody keeps');
    await assert.rejects(backUp(dataDir, file), /exists: choose another name/);
    assert.equal(readFileSync(file, 'utf8'), 'what somebody keeps');
    await assert.rejects(backUp(temporaryFolder(t), `${file}.2`), /there is no edgetune\.db in .*--data-dir/);
  });
});

describe('restoring', () => {
  it('moves aside what is there, where that is said; a database that cannot be used is no reason to ask', async (t) => {
    const { dataDir, store, file, close } = await running(t);
    await backUp(dataDir, file);
    await assert.rejects(restore(dataDir, file, { replace: true }), /another coordinator .* uses the data directory/);
    await store.devices.insert(device('d-2'));
    close();
    await assert.rejects(restore(dataDir, file), /has a fleet and studies of its own: give --replace/);
    assert.deepEqual(contentOf(dataDir), ['d-1', 'd-2']);
    const { movedTo } = await restore(dataDir, file, { replace: true, now: NOW });
    assert.equal(movedTo, join(dataDir, 'replaced-2026-01-02T03-04-05-678Z'));
    assert.deepEqual([contentOf(dataDir), contentOf(movedTo as string)], [['d-1'], ['d-1', 'd-2']]);
    truncateSync(join(dataDir, 'edgetune.db'));
    assert.throws(() => contentOf(dataDir), /is empty.*restore FILE/);
    await restore(dataDir, file);
    assert.deepEqual(contentOf(dataDir), ['d-1']);
  });

  it('changes nothing where the file is no whole backup', async (t) => {
    const { dataDir, file, close } = await running(t);
    await backUp(dataDir, file);
    close();
    const unpacked = temporaryFolder(t);
    const repacked = join(temporaryFolder(t), 'b.tar');
    const tar = (...args: string[]) => execFileSync('tar', args, { timeout: 60_000 });
    const [blob] = readdirSync(join(dataDir, 'blobs')).filter((name) => name.length === 2);
    const damages: [RegExp, () => void][] = [
      [/edgetune\.db is damaged/, () => writeFileSync(join(unpacked, 'edgetune.db'), 'x')],
      [/coordinator\.json is damaged/, () => writeFileSync(join(unpacked, 'identity/coordinator.json'), '{}')],
      [/tls\/key\.pem is missing/, () => rmSync(join(unpacked, 'tls/key.pem'))],
      [
        /0 of 1 models and checkpoints are in it/,
        () => rmSync(join(unpacked, 'blobs', blob as string), { recursive: true }),
      ],
      [/does not say what it is/, () => writeFileSync(join(unpacked, 'backup.json'), '{}')],
      [/has "install\.sh" in it/, () => writeFileSync(join(unpacked, 'install.sh'), '')],
      [
        /is no file/,
        () => {
          rmSync(join(unpacked, 'edgetune.yaml'));
          symlinkSync('/etc/hostname', join(unpacked, 'edgetune.yaml'));
        },
      ],
    ];
    for (const [words, damage] of damages) {
      rmSync(unpacked, { recursive: true });
      mkdirSync(unpacked);
      tar('-xf', file, '-C', unpacked);
      chmodSync(join(unpacked, 'identity/coordinator.json'), 0o600);
      damage();
      tar('-cf', repacked, '-C', unpacked, ...readdirSync(unpacked));
      const into = temporaryFolder(t);
      await assert.rejects(restore(into, repacked), ({ message }: Error) => {
        assert.match(message, /b\.tar is no whole backup of EdgeTune .*nothing was changed/);
        assert.match(message, words);
        return true;
      });
      assert.deepEqual(
        readdirSync(into).filter((name) => name !== 'coordinator.lock'),
        [],
      );
    }
    truncateSync(file, statSync(file).size / 2);
    await assert.rejects(restore(temporaryFolder(t), file), /no whole backup/);
    await assert.rejects(restore(temporaryFolder(t), `${file}.none`), /there is no /);
  });
});
