/** A release on trial that cannot reach the coordinator; what is offered, and may not be taken. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import type { UpdateOffer } from '@edgetune/shared/protocol/messages.ts';
import type { ReleaseStatement } from '@edgetune/shared/protocol/signed.ts';
import { Trust } from '../../../agent/enrolment/trust.ts';
import { Updater } from '../../../agent/update/updater.ts';
import { Versions } from '../../../agent/update/versions.ts';
import { AGENT_VERSION } from '../../../agent/version.ts';
import { makeIdentity } from '../../support/identity.ts';
import { listen } from '../../support/listening.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { Arrival } from '../../support/waiting.ts';

it('gives up without having failed, until it was so three times; once connected that is forgotten', async (t) => {
  const folder = temporaryFolder(t, { '0.1.0/package.json': '{}', '0.2.0/package.json': '{}' });
  symlinkSync('0.1.0', join(folder, 'current'));
  const versions = new Versions(folder);
  const options = {
    versions,
    server: 'http://coordinator:8080',
    trust: { open: () => assert.fail('nothing is offered') },
    log: plainLogger(() => {}),
  };
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

/** An installation of this agent, and a coordinator that serves an archive, which is no program. */
async function offered(t: TestContext, { content = Buffer.from('no archive'), identity = makeIdentity() } = {}) {
  const folder = temporaryFolder(t, { '0.1.0/package.json': '{}' });
  symlinkSync('0.1.0', join(folder, 'current'));
  const asked: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url);
    response.end(content);
  });
  const url = `http://127.0.0.1:${await listen(t, server)}`;
  const enrolment = { deviceId: 'd-000000000001', name: 'pi', credential: 's'.repeat(32), mqttUrl: '', server: url };
  const log: string[] = [];
  const logger = plainLogger((line) => log.push(line));
  const trust = new Trust(
    { ...enrolment, mqttSharesKey: false, coordinator: identity.coordinator },
    temporaryFolder(t),
    logger,
  );
  const options = { versions: new Versions(folder), server: url, trust, log: logger };
  const updater = new Updater({ ...options, onGivenUp: () => assert.fail('nothing is on trial') });
  t.after(() => updater.close());
  const statement = {
    ...({ kind: 'release', version: '99.0.0', platform: `${process.platform}-${process.arch}` } as const),
    ...{ sha256: createHash('sha256').update(content).digest('hex'), bytes: content.length },
  };
  const offer = (change: Partial<ReleaseStatement> = {}, by = identity) => ({
    ...{ version: '99.0.0', path: '/install/agent.tgz', sha256: statement.sha256 },
    proof: by.sign({ ...statement, ...change }),
  });
  const left = () => readdirSync(folder).sort();
  return { updater, offer, log, asked, left };
}

describe('an offer is refused, before anything is fetched,', () => {
  const cases: [string, (under: Awaited<ReturnType<typeof offered>>) => UpdateOffer, RegExp][] = [
    ['that is not signed', ({ offer }) => ({ ...offer(), proof: undefined }) as UpdateOffer, /it is not signed/],
    ['that others have signed', ({ offer }) => offer({}, makeIdentity()), /not signed with the key/],
    ['of another coordinator', ({ offer }) => offer({}, makeIdentity('c-ffffffffffffffff')), /another coordinator's/],
    ['for another platform', ({ offer }) => offer({ platform: 'linux-mips' }), /signed for linux-mips, and this is/],
    ['of an older version', ({ offer }) => offer({ version: '0.0.1' }), /0\.0\.1 is signed, which is not newer than/],
    ['of the version that runs', ({ offer }) => offer({ version: AGENT_VERSION }), /is not newer than/],
  ];
  for (const [what, offerOf, words] of cases)
    it(what, async (t) => {
      const under = await offered(t);
      assert.equal(await under.updater.install(offerOf(under)), 'refused');
      assert.match(under.log.join(), /^version 99\.0\.0 is offered, and refused: /);
      assert.match(under.log.join(), words);
      assert.deepEqual([under.asked, under.left()], [[], ['0.1.0', 'current']]);
    });
});

describe('what comes is not unpacked', () => {
  for (const [what, change] of [
    ['where it is not what was signed', { sha256: 'ab'.repeat(32) }],
    ['where there is more of it', { bytes: 9 }],
    ['where there is less of it', { bytes: 11 }],
  ] as const)
    it(what, async (t) => {
      // Were it unpacked, it would be there: it is a good archive.
      const folder = temporaryFolder(t, { 'package/package.json': '{"version":"99.0.0"}' });
      execFileSync('tar', ['-czf', 'a.tgz', 'package'], { cwd: folder, timeout: 60_000 });
      const content = readFileSync(join(folder, 'a.tgz'));
      const under = await offered(t, { content });
      const bytes = 'bytes' in change ? content.length + change.bytes - 10 : content.length;
      assert.equal(await under.updater.install(under.offer({ ...change, bytes })), 'postponed');
      assert.match(under.log.at(-1) ?? '', /was not installed: (what came is not what was signed|more comes than)/);
      assert.deepEqual([under.asked, under.left()], [['/install/agent.tgz'], ['0.1.0', 'current']]);
    });
});

it('what was signed is unpacked, and tested before it is taken', async (t) => {
  const folder = temporaryFolder(t, { 'package/package.json': '{"version":"98.0.0"}' });
  execFileSync('tar', ['-czf', 'a.tgz', 'package'], { cwd: folder, timeout: 60_000 });
  const under = await offered(t, { content: readFileSync(join(folder, 'a.tgz')) });
  assert.equal(await under.updater.install(under.offer()), 'failed');
  assert.match(under.log.at(-1) ?? '', /failed its self-test and was removed: it says that it is version 98\.0\.0/);
});
