/** Who may log in to the embedded broker, with the return codes of MQTT 3.1.1 (table 3.1). */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { Logins } from '../../../coordinator/broker/logins.ts';

const me = 'd-000000000001';
const other = 'd-000000000002';

function logins() {
  const log: string[] = [];
  const checked = new Logins({
    hasDevice: (id) => [me, other].includes(id),
    verifyCredential: (id, credential) => [me, other].includes(id) && credential === `secret of ${id}`,
    log: plainLogger((line) => log.push(line)),
  });
  const code = (username: string | undefined, password: string | undefined, more = {}) =>
    checked.problem({ clientId: username ?? '', address: '10.0.0.1', username, password, ...more })?.returnCode ?? 0;
  return { checked, log, code };
}

it('a device by its credential, under its own id', () => {
  const { code, log } = logins();
  assert.equal(code(me, `secret of ${me}`), 0);
  assert.equal(code(me, `secret of ${other}`), 5);
  assert.equal(code(me, `secret of ${me}`, { clientId: other }), 2);
  assert.deepEqual(
    [code(undefined, 'x'), code('', 'x'), code(me, undefined)],
    [4, 4, 4],
    'a user name and a password are needed',
  );
  assert.equal(code(me, ''), 5);
  assert.deepEqual(log, [`broker: login of "${me}" from 10.0.0.1 refused`]);
});

it('the coordinator by a password that is another at each start', () => {
  const { checked, code } = logins();
  assert.match(checked.secret, /^[\w-]{43}$/);
  assert.notEqual(logins().checked.secret, checked.secret);
  assert.equal(code('coordinator', checked.secret), 0);
  for (const guess of ['', checked.secret.slice(1), `${checked.secret}x`, 'x'.repeat(43)])
    assert.equal(code('coordinator', guess), 5);
  assert.equal(code(me, checked.secret), 5, 'nobody else by it');
});

it('ten failures are borne in a minute, counted by address and device; those who guess names share one count', () => {
  const { code, checked } = logins();
  for (let count = 0; count < 10; count++) assert.equal(code(me, 'wrong'), 5);
  assert.equal(code(me, `secret of ${me}`), 3);
  assert.equal(code(me, `secret of ${me}`, { address: '10.0.0.2' }), 0);
  assert.equal(code(other, `secret of ${other}`), 0);
  assert.equal(code('coordinator', checked.secret), 0);
  for (let count = 0; count < 10; count++) assert.equal(code(`guess-${count}`, 'x'), 5);
  assert.equal(code('another-guess', 'x'), 3);
});

it('a refused login is logged once a count, and no stranger’s name is longer than its line', () => {
  const { code, log } = logins();
  for (let count = 0; count < 5; count++) code('x'.repeat(1000), 'guess');
  assert.deepEqual(log, [`broker: login of "${'x'.repeat(40)}" from 10.0.0.1 refused`]);
});
