/** Which agents are offered a newer version, and how they hear of it. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import type { AgentRelease } from '../../../coordinator/fleet/agent-release.ts';
import { isNewer, offerFor } from '../../../coordinator/fleet/agent-update.ts';

const sha256 = 'ab'.repeat(32);
const served = (version: string | null): AgentRelease => ({
  version: async () => version,
  agentFor: async () => ({ path: '/nowhere', sha256, bytes: 1 }),
  nodeFor: () => Promise.reject(new Error('nobody asks for it')),
});
const installed = { release: '0.1.0-0123456789ab', platform: 'linux-arm64', failed: null };

it('a newer agent is offered, for the platform of the board', async () => {
  assert.deepEqual(await offerFor('0.1.0', installed, served('0.2.0')), {
    version: '0.2.0',
    path: '/install/agent-linux-arm64.tgz',
    sha256,
  });
});

it('nothing is offered that is not newer, has failed there, is not built, or does not run there', async () => {
  assert.equal(await offerFor('0.2.0', installed, served('0.2.0')), null);
  assert.equal(await offerFor('0.3.0', installed, served('0.2.0')), null);
  assert.equal(await offerFor('0.1.0', installed, served(null)), null);
  const failed = { release: `0.2.0-${sha256.slice(0, 12)}`, reason: 'it did not start' };
  assert.equal(await offerFor('0.1.0', { ...installed, failed }, served('0.2.0')), null);
  assert.equal(await offerFor('0.1.0', { ...installed, platform: 'darwin-arm64' }, served('0.2.0')), null);
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
