import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_MESSAGE_BYTES } from '@edgetune/shared/protocol/messages.ts';
import { COORDINATOR_SUBSCRIPTIONS, topics } from '@edgetune/shared/protocol/topics.ts';
import fc from 'fast-check';
import { COORDINATOR_USER, mayReceive, maySubscribe, publishRefusal } from '../../../coordinator/broker/access.ts';

const me = 'd-000000000001';
const other = 'd-000000000002';
const message = (topic: string, change = {}) => ({
  topic,
  payload: Buffer.from('{}'),
  qos: 1,
  retain: false,
  ...change,
});

test('a device publishes its own status, hello and job updates, and nothing else', () => {
  assert.equal(publishRefusal(me, message(topics.status(me), { retain: true })), null);
  assert.equal(publishRefusal(me, message(topics.hello(me))), null);
  assert.equal(publishRefusal(me, message(topics.jobUpdate(me))), null);
  assert.match(publishRefusal(me, message(topics.command(me))) ?? '', /only the coordinator/);
  assert.match(publishRefusal(me, message(topics.status(other))) ?? '', /another device/);
  assert.match(publishRefusal(me, message(topics.hello(me), { retain: true })) ?? '', /retained/);
  assert.match(publishRefusal(me, message(topics.hello(me), { qos: 2 })) ?? '', /QoS 2/);
  const large = { payload: Buffer.alloc(MAX_MESSAGE_BYTES + 1) };
  assert.match(publishRefusal(me, message(topics.hello(me), large)) ?? '', /more than/);
  for (const topic of ['$SYS/edgetune/new/clients', 'edgetune/denied', '', `${topics.status(me)}/more`])
    assert.match(publishRefusal(me, message(topic)) ?? '', /none of the topics/);
});

test('the coordinator publishes commands and clears statuses; it subscribes to what devices say', () => {
  assert.equal(publishRefusal(COORDINATOR_USER, message(topics.command(me))), null);
  assert.equal(publishRefusal(COORDINATOR_USER, message(topics.status(me), { retain: true })), null);
  assert.ok(COORDINATOR_SUBSCRIPTIONS.every((filter) => maySubscribe(COORDINATOR_USER, filter)));
  assert.ok(!maySubscribe(COORDINATOR_USER, '#'));
  assert.ok(mayReceive(COORDINATOR_USER, topics.jobUpdate(me)));
});

test('a device hears its own commands only, whatever filter it asks for', () => {
  assert.ok(maySubscribe(me, topics.command(me)));
  const filter = fc
    .array(fc.constantFrom('edgetune', 'devices', me, other, 'command', 'status', '+', '#', '$SYS', ''), {
      maxLength: 6,
    })
    .map((levels) => levels.join('/'));
  fc.assert(fc.property(filter, (asked) => maySubscribe(me, asked) === (asked === topics.command(me))));
});
