/** A wait that is in vain ends in time and says for what it was; one that is not leaves nothing running. */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { it } from 'node:test';
import { Arrival, deadline, event, firstOf, forEver, until, untilAborted, within } from './waiting.ts';

const SHORT_S = 0.01;
const inVain = (what: string) => ({ name: 'WaitedInVainError', message: `waited ${SHORT_S} s in vain for ${what}` });

it('says what it waited for', async () => {
  const emitter = new EventEmitter();
  const endless = async function* () {
    yield 1;
    await forEver();
  };
  await assert.rejects(within('a miracle', forEver(), SHORT_S), inVain('a miracle'));
  await assert.rejects(event('a word', emitter, 'word', SHORT_S), inVain('a word'));
  await assert.rejects(
    until('the change', () => false, { seconds: SHORT_S }),
    inVain('the change'),
  );
  await assert.rejects(
    until('the turn', () => false, { everyTurn: true, seconds: SHORT_S }),
    inVain('the turn'),
  );
  await assert.rejects(
    until('the news', () => false, { changes: () => () => {}, seconds: SHORT_S }),
    inVain('the news'),
  );
  await assert.rejects(
    firstOf('a two', endless(), (item) => item === 2, SHORT_S),
    inVain('a two'),
  );
  await assert.rejects(new Arrival('it to come').wait(SHORT_S), inVain('it to come'));
  const signal = deadline('an answer', SHORT_S);
  await assert.rejects(within('the deadline', untilAborted(signal)), inVain('an answer'));
  assert.equal(emitter.listenerCount('word'), 0);
});

it('ends when what it waits for is there, and leaves no timer behind', async () => {
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const before = timers();
  const emitter = new EventEmitter();
  const word = event('a word', emitter, 'word');
  emitter.emit('word', 'hello', 'world');
  assert.deepEqual(await word, ['hello', 'world']);
  assert.equal(await within('a value', Promise.resolve(7)), 7);
  await assert.rejects(within('a value', Promise.reject(new Error('its own'))), /its own/);
  const arrival = new Arrival<number>('a number');
  arrival.come(3);
  assert.equal(await arrival.wait(), 3);
  let looks = 0;
  await until('the third look', () => ++looks === 3);
  assert.equal(looks, 3);
  const changes = (listener: () => void) => {
    emitter.on('change', listener);
    return () => emitter.off('change', listener);
  };
  const seen = until('the change', () => looks === 9, { changes });
  emitter.emit('change');
  looks = 9;
  emitter.emit('change');
  await seen;
  assert.equal(emitter.listenerCount('change'), 0);
  const items = (async function* () {
    yield* [1, 2, 3];
  })();
  assert.equal(await firstOf('a two', items, (item) => item === 2), 2);
  assert.deepEqual(await items.next(), { value: undefined, done: true });
  assert.equal(timers(), before);
});
