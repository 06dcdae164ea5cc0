/** Whose word it is: a coordinator's, by its key or a later one, and nobody else's. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, it } from 'node:test';
import { commandMessageSchema, updateOfferSchema } from '@edgetune/shared/protocol/messages.ts';
import { NotSignedError, openProof, type Proof, proofSchema } from '@edgetune/shared/protocol/signed.ts';
import fc from 'fast-check';
import { makeIdentity } from '../../support/identity.ts';

const release = {
  ...({ kind: 'release', version: '0.2.0', platform: 'linux-arm64' } as const),
  ...{ sha256: 'ab'.repeat(32), bytes: 20_000_000 },
};
const refused = (message: RegExp) => (error: Error) => error instanceof NotSignedError && message.test(error.message);

describe('a statement', () => {
  it('is opened by who knows the coordinator', () => {
    const { coordinator, sign } = makeIdentity();
    const proof = proofSchema.parse(sign(release));
    const opened = openProof(coordinator, proof, 'release');
    assert.deepEqual(opened, { statement: { ...release, coordinator: coordinator.id }, coordinator });
  });

  it('of another coordinator, or of who calls itself by its id, is refused, and the words say which', () => {
    const known = makeIdentity().coordinator;
    const other = makeIdentity('c-ffffffffffffffff');
    assert.throws(() => openProof(known, other.sign(release), 'release'), refused(/another coordinator's \(c-f{16}\)/));
    assert.throws(() => openProof(known, makeIdentity().sign(release), 'release'), refused(/not signed with the key/));
  });

  it('is not taken for one of another kind', () => {
    const { coordinator, sign } = makeIdentity();
    const removal = sign({ kind: 'removal', deviceId: 'd-000000000001', at: '2026-01-01T00:00:00.000Z' });
    assert.throws(() => openProof(coordinator, removal, 'release'), refused(/a removal was signed, and no release/));
  });

  it('that was changed anywhere is refused', () => {
    const { coordinator, sign } = makeIdentity();
    const { signed } = sign(release);
    const change = fc.record({
      at: fc.nat(signed.statement.length - 1),
      by: fc.integer({ min: 1, max: 90 }),
      ofSignature: fc.boolean(),
    });
    fc.assert(
      fc.property(change, ({ at, by, ofSignature }) => {
        const bytes = ofSignature ? Buffer.from(signed.signature, 'base64') : Buffer.from(signed.statement);
        const index = at % bytes.length;
        bytes[index] = (bytes[index] as number) ^ by;
        const changed = ofSignature
          ? { ...signed, signature: bytes.toString('base64') }
          : { ...signed, statement: bytes.toString('latin1') };
        assert.throws(() => openProof(coordinator, { signed: changed, succession: [] }, 'release'), NotSignedError);
      }),
    );
  });

  it('signed with a key of another kind under the coordinator’s id is refused', () => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const known = makeIdentity().coordinator;
    const statement = JSON.stringify({ ...release, coordinator: known.id });
    const signature = sign('sha256', Buffer.from(statement), privateKey).toString('base64');
    const spki = publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
    const proof = { signed: { statement, signature }, succession: [] };
    assert.throws(() => openProof({ ...known, publicKey: spki }, proof, 'release'), NotSignedError);
  });
});

describe('a key that is replaced', () => {
  it('is believed because the one before it has signed it, by boards of any earlier key', () => {
    const first = makeIdentity();
    const second = first.next();
    const third = second.next();
    for (const { coordinator } of [first, second, third]) {
      const opened = openProof(coordinator, third.sign(release), 'release');
      assert.deepEqual(opened.coordinator, third.coordinator, 'and is the one that the board knows from now on');
    }
  });

  it('is not believed without that, and the one before it is believed no more', () => {
    const first = makeIdentity();
    const second = first.next();
    const proof: Proof = { ...second.sign(release), succession: [] };
    assert.throws(() => openProof(first.coordinator, proof, 'release'), refused(/not signed with the key/));
    const forged = makeIdentity().next();
    assert.throws(() => openProof(first.coordinator, forged.sign(release), 'release'), refused(/not signed with/));
    assert.throws(() => openProof(second.coordinator, first.sign(release), 'release'), refused(/not signed with/));
  });

  it('of another coordinator that holds the same key is none of ours', () => {
    const ours = makeIdentity();
    const step = ours.sign({ kind: 'succession', publicKey: makeIdentity().coordinator.publicKey, at: '' }).signed;
    const theirs = { ...step, statement: step.statement.replace(ours.coordinator.id, 'c-ffffffffffffffff') };
    const opened = openProof(ours.coordinator, { ...ours.sign(release), succession: [theirs] }, 'release');
    assert.deepEqual(opened.coordinator, ours.coordinator);
  });
});

describe('an offer', () => {
  const offer = (path: string) => ({ version: '0.2.0', path, sha256: 'ab'.repeat(32) });

  it('names a path under the coordinator, and can name nothing else', () => {
    assert.ok(updateOfferSchema.safeParse(offer('/install/agent-linux-arm64.tgz')).success);
    const elsewhere = [
      '//host/a.tgz',
      '/\\host/a.tgz',
      'http://host/a.tgz',
      'a.tgz',
      '/a//b',
      '/../a',
      '/a/',
      '/a?b',
      '/',
    ];
    for (const path of [...elsewhere, '/a#b', '/a\n', '/\t/host', '/%2f/host', '/a:b@c'])
      assert.ok(!commandMessageSchema.safeParse({ type: 'update', offer: offer(path) }).success, path);
  });

  it('whatever path is taken, it leads to the coordinator', () => {
    const part = fc.constantFrom('/', '\\', 'host', '.', '..', ':', '@', '//', '%2f', '\t', 'a.tgz', '?', '#');
    const path = fc.oneof(
      fc.string(),
      fc.array(part, { maxLength: 6 }).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(path, (text) => {
        if (!updateOfferSchema.safeParse(offer(text)).success) return;
        assert.equal(new URL(text, 'https://coordinator:8080').href, `https://coordinator:8080${text}`);
      }),
      { numRuns: 1000 },
    );
  });

  it('has no version that is no name of a folder', () => {
    for (const version of ['..', '.', '', 'a/b', '../1.0.0'])
      assert.ok(!updateOfferSchema.safeParse({ ...offer('/a'), version }).success, version);
  });
});
