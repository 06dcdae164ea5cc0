/** Which agents are offered a newer version, and how they hear of it. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { isNewer } from '@edgetune/shared/protocol/release-version.ts';
import { openProof, type Proof } from '@edgetune/shared/protocol/signed.ts';
import fc from 'fast-check';
import type { AgentRelease } from '../../../coordinator/fleet/agent-release.ts';
import { offerFor, updateRefusal } from '../../../coordinator/fleet/agent-update.ts';
import { makeIdentity } from '../../support/identity.ts';

const sha256 = 'ab'.repeat(32);
const served = (version: string | null): AgentRelease => ({
  version: async () => version,
  agentFor: async () => ({ path: '/nowhere', sha256, bytes: 1 }),
  nodeFor: () => Promise.reject(new Error('nobody asks for it')),
});
const installed = { release: '0.1.0-0123456789ab', platform: 'linux-arm64', failed: null };

const identity = makeIdentity();
const offered = (version: string, update: typeof installed | object, releases: AgentRelease) =>
  offerFor(version, update as typeof installed, releases, identity);

it('a newer agent is offered, for the platform of the board, in the coordinator’s own word', async () => {
  const offer = await offered('0.1.0', installed, served('0.2.0'));
  const { proof, ...rest } = offer as NonNullable<typeof offer>;
  assert.deepEqual(rest, { version: '0.2.0', path: '/install/agent-linux-arm64.tgz', sha256 });
  assert.deepEqual(openProof(identity.coordinator, proof as Proof, 'release').statement, {
    ...{ kind: 'release', coordinator: identity.coordinator.id },
    ...{ version: '0.2.0', platform: 'linux-arm64', sha256, bytes: 1 },
  });
});

it('nothing is offered that is not newer, has failed there, is not built, or does not run there', async () => {
  assert.equal(await offered('0.2.0', installed, served('0.2.0')), null);
  assert.equal(await offered('0.3.0', installed, served('0.2.0')), null);
  assert.equal(await offered('0.1.0', installed, served(null)), null);
  const failed = { release: `0.2.0-${sha256.slice(0, 12)}`, reason: 'it did not start' };
  assert.equal(await offered('0.1.0', { ...installed, failed }, served('0.2.0')), null);
  assert.equal(await offered('0.1.0', { ...installed, platform: 'darwin-arm64' }, served('0.2.0')), null);
});

it('is refused to who could not tell that it is this coordinator’s', () => {
  const { coordinator: own } = identity;
  assert.equal(updateRefusal(own, own, false), null);
  assert.equal(
    updateRefusal({ ...own, publicKey: makeIdentity().coordinator.publicKey }, own, false),
    null,
    'an earlier key',
  );
  assert.match(updateRefusal({ ...own, id: 'c-ffffffffffffffff' }, own, true) ?? '', /another coordinator \(c-f+\)/);
  assert.match(updateRefusal(null, own, true) ?? '', /joined before updates were signed.*device add NAME --renew/);
  assert.equal(updateRefusal(undefined, own, true), null, 'an older agent hears nobody else');
  assert.match(updateRefusal(undefined, own, false) ?? '', /too old to tell .* device add NAME --renew/);
});

it('versions are compared number by number', () => {
  assert.ok(isNewer('0.10.0', '0.9.9'));
  assert.ok(isNewer('1.0.1', '1.0'));
  assert.ok(!isNewer('1.0.0', '1.0'));
  const version = fc.array(fc.nat(20), { minLength: 3, maxLength: 3 });
  fc.assert(
    fc.property(version, version, (a, b) => {
      const order = a.map((part, i) => part - (b[i] as number)).find((difference) => difference !== 0) ?? 0;
      assert.equal(isNewer(a.join('.'), b.join('.')), order > 0);
    }),
  );
});
