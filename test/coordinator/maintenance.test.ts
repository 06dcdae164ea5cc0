/** What is done to a data directory while no coordinator uses it. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { loadIdentity } from '../../coordinator/config/identity.ts';
import { replaceKey } from '../../coordinator/maintenance.ts';
import { openStore } from '../../coordinator/store/store.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

it('the key is replaced while no coordinator runs, and not under one that does', (t) => {
  const dataDir = temporaryFolder(t);
  const store = openStore(dataDir);
  const before = loadIdentity(dataDir).coordinator;
  assert.throws(() => replaceKey(dataDir), /another coordinator \(process \d+\) uses the data directory/);
  store.close();
  assert.deepEqual(loadIdentity(dataDir).coordinator, before);
  const after = replaceKey(dataDir);
  assert.deepEqual([after.id, loadIdentity(dataDir).coordinator], [before.id, after]);
  assert.notEqual(after.publicKey, before.publicKey);
  assert.notEqual(replaceKey(dataDir).publicKey, after.publicKey, 'the directory is given back');
});
