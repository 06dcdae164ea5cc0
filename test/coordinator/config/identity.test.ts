/** As whom boards know the coordinator: made once, for its owner only, and handed on from key to key. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { openProof } from '@edgetune/shared/protocol/signed.ts';
import { ConfigError } from '../../../coordinator/config/config.ts';
import { loadIdentity, rotateKey } from '../../../coordinator/config/identity.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const removal = { kind: 'removal', deviceId: 'd-000000000001', at: '2026-01-01T00:00:00.000Z' } as const;

it('is made at the first start, kept for its owner only, and is the same at the next', (t) => {
  const dataDir = temporaryFolder(t);
  const made = loadIdentity(dataDir);
  assert.match(made.coordinator.id, /^c-[0-9a-f]{16}$/);
  assert.deepEqual(readdirSync(join(dataDir, 'identity')), ['coordinator.json']);
  assert.equal(statSync(join(dataDir, 'identity/coordinator.json')).mode & 0o777, 0o600);
  assert.equal(statSync(join(dataDir, 'identity')).mode & 0o777, 0o700);
  assert.deepEqual(loadIdentity(dataDir).coordinator, made.coordinator);
  assert.notDeepEqual(loadIdentity(temporaryFolder(t)).coordinator.id, made.coordinator.id);
  const { statement } = openProof(made.coordinator, made.sign(removal), 'removal');
  assert.deepEqual(statement, { ...removal, coordinator: made.coordinator.id });
});

it('has another key after a rotation, which who knows an earlier one believes', (t) => {
  const dataDir = temporaryFolder(t);
  const [first, second, third] = [loadIdentity(dataDir), rotateKey(dataDir), rotateKey(dataDir)];
  assert.equal(new Set([first, second, third].map(({ coordinator }) => coordinator.publicKey)).size, 3);
  const now = loadIdentity(dataDir);
  assert.deepEqual(now.coordinator, { ...first.coordinator, publicKey: third.coordinator.publicKey });
  for (const { coordinator } of [first, second, third])
    assert.deepEqual(openProof(coordinator, now.sign(removal), 'removal').coordinator, now.coordinator);
  assert.throws(() => openProof(third.coordinator, first.sign(removal), 'removal'), /not signed with the key/);
});

it('that is damaged is not replaced by a stranger: the words say what to do', (t) => {
  const dataDir = temporaryFolder(t);
  assert.throws(() => rotateKey(dataDir), /no identity in .* yet/);
  loadIdentity(dataDir);
  const file = join(dataDir, 'identity/coordinator.json');
  const good = readFileSync(file, 'utf8');
  for (const content of ['', '{}', good.replace('PRIVATE', 'SECRET'), good.slice(0, 40)]) {
    writeFileSync(file, content);
    for (const use of [loadIdentity, rotateKey])
      assert.throws(
        () => use(dataDir),
        (error: Error) =>
          error instanceof ConfigError &&
          error.message.startsWith(file) &&
          /edgetune restore.*--renew/.test(error.message),
      );
    assert.equal(readFileSync(file, 'utf8'), content, 'as it was found');
  }
});
