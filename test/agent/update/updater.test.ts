/** A release on trial that cannot reach the coordinator. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { Updater } from '../../../agent/update/updater.ts';
import { Versions } from '../../../agent/update/versions.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { Arrival } from '../../support/waiting.ts';

it('gives up without having failed, until it was so three times; once connected that is forgotten', async (t) => {
  const folder = temporaryFolder(t, { '0.1.0/package.json': '{}', '0.2.0/package.json': '{}' });
  symlinkSync('0.1.0', join(folder, 'current'));
  const versions = new Versions(folder);
  const options = { versions, server: 'http://coordinator:8080', log: plainLogger(() => {}) };
  const givenUp = async (release: string) => {
    versions.try(release);
    const given = new Arrival(`${release} to be given up`);
    new Updater({ ...options, onGivenUp: given.come, connectTimeoutMs: 1 });
    await given.wait();
    return readFileSync(join(folder, 'trial.reason'), 'utf8');
  };
  assert.equal(await givenUp('0.2.0'), '');
  assert.equal(await givenUp('0.2.0'), '');
  assert.match(await givenUp('0.2.0'), /did not connect to http:\/\/coordinator:8080 within .* s, 3 times/);
  assert.equal(await givenUp('0.1.0'), '', 'another release is counted anew');

  versions.try('0.1.0');
  new Updater({ ...options, onGivenUp: () => assert.fail('it has connected') }).connected();
  for (const name of ['trial', 'trial.reason', 'unreached']) assert.ok(!existsSync(join(folder, name)), name);
});
