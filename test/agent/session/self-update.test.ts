/** The agent takes what it is offered between two jobs, one offer at a time. */
import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import type { UpdateOffer } from '@edgetune/shared/protocol/messages.ts';
import type { Membership } from '../../../agent/session/join-fleet.ts';
import { createSelfUpdate, tellOfOutdatedScripts } from '../../../agent/session/self-update.ts';
import type { Updater } from '../../../agent/update/updater.ts';
import { Versions } from '../../../agent/update/versions.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { Arrival } from '../../support/waiting.ts';

const offer: UpdateOffer = { version: '0.2.0', path: '/install/agent-linux-arm64.tgz', sha256: 'a'.repeat(64) };

/** An updater of which the test decides what comes of an offer. */
function selfUpdate(install: (offer: UpdateOffer) => Promise<'switched' | 'failed' | 'postponed'>) {
  const events: string[] = [];
  const update = createSelfUpdate({
    updater: { install } as unknown as Updater,
    jobs: {
      async between(work) {
        events.push('after the job');
        await work();
        events.push('before the next');
      },
    },
    log: plainLogger((line) => events.push(line)),
    onSwitched: () => events.push('switched'),
    onFailed: () => events.push('failed'),
  });
  return { update, events };
}

it('a release that works is switched to; one that does not is told of; one that cannot be had is neither', async () => {
  for (const result of ['switched', 'failed', 'postponed'] as const) {
    const offered: UpdateOffer[] = [];
    const { update, events } = selfUpdate(async (each) => {
      offered.push(each);
      return result;
    });
    await update(offer);
    assert.deepEqual(offered, [offer]);
    const told = result === 'postponed' ? [] : [result];
    assert.deepEqual(events, ['after the job', ...told, 'before the next']);
  }
});

it('what is offered meanwhile is passed over, and what is offered later is taken', async () => {
  const installed = new Arrival<'postponed'>('the first to be installed');
  let installs = 0;
  const { update } = selfUpdate(() => {
    installs++;
    return installed.wait();
  });
  const first = update(offer);
  await update(offer);
  assert.equal(installs, 1);
  installed.come('postponed');
  await first;
  await update(offer);
  assert.equal(installs, 2);
});

it('a fault is logged with the version, and the next offer is taken', async () => {
  let installs = 0;
  const { update, events } = selfUpdate(async () => {
    if (++installs === 1) throw new Error('the card is broken');
    return 'switched';
  });
  await update(offer);
  assert.deepEqual(events, ['after the job', 'version 0.2.0 was not installed: the card is broken']);
  await update(offer);
  assert.ok(events.includes('switched'));
});

/** An installation whose script beside the versions is as given. */
function installed(t: TestContext, script: string): Versions {
  const folder = temporaryFolder(t);
  const [versions, bin] = [join(folder, 'versions'), join(folder, 'bin')];
  mkdirSync(join(versions, '0.1.0/install'), { recursive: true });
  mkdirSync(bin);
  symlinkSync('0.1.0', join(versions, 'current'));
  for (const name of ['edgetune-agent.sh', 'uninstall.sh', 'grant-controls.sh']) {
    writeFileSync(join(versions, '0.1.0/install', name), 'as it is now');
    writeFileSync(join(bin, name), name === 'uninstall.sh' ? script : 'as it is now');
  }
  return new Versions(versions);
}

it('says which of root’s scripts are older than the version that runs, with the line that renews them', (t) => {
  const said: string[] = [];
  const log = plainLogger((line) => said.push(line));
  const membership = { server: 'http://coordinator:8080', pin: undefined } as Membership;
  tellOfOutdatedScripts(installed(t, 'as it is now'), membership, log);
  assert.deepEqual(said, []);
  const pin = `sha256//${Buffer.alloc(32).toString('base64')}`;
  for (const known of [membership, { ...membership, server: 'https://coordinator:8080', pin }])
    tellOfOutdatedScripts(installed(t, 'as it was'), known, log);
  for (const line of said)
    assert.match(line, /^older than this version: uninstall\.sh\. To install them as well: curl /);
  assert.deepEqual(
    said.map((line: string) => line.includes(pin)),
    [false, true],
  );
});
