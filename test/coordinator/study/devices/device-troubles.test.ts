/** The trouble of devices: when they are tried again, when nothing waits for them any more, and what is said of it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { StudyDevice } from '@edgetune/shared/domain/study-event.ts';
import { DeviceTroubleError } from '../../../../coordinator/study/devices/device-trouble-error.ts';
import { studyDevices } from '../../../../coordinator/study/devices/study-devices.ts';
import { TestClock } from '../../../support/test-clock.ts';
import { turn } from '../../../support/waiting.ts';
import { fakeFleet } from '../support/fakes.ts';

const never = new AbortController().signal;

function troubled(names = ['pi', 'orin'], waitsForAll = false) {
  const clock = new TestClock();
  const members = fakeFleet(names);
  const { fleet } = members;
  const said: string[] = [];
  const standings = new Map(
    names.map((device): [string, StudyDevice] => {
      const { id: deviceId } = fleet.devices().find(({ name }) => name === device) as { id: string };
      return [device, { device, deviceId, standing: 'expected', reason: null }];
    }),
  );
  const { deviceTroubles: troubles } = studyDevices({
    ...{ devices: names, fleet, clock, waitsForAll },
    standingOf: (device) => standings.get(device) as StudyDevice,
    measuredClassOf: () => 'fake',
    onChange: (change) => {
      standings.set(change.device, change);
      said.push(`${change.device} ${change.standing}: ${change.reason}`);
    },
  });
  /** Work that fails as long as `why` says so; counts how often it is tried. */
  const work = (device: string, signal = never) => {
    const state = { why: 'no disk' as string | null, tries: 0, ended: 'running' };
    const result = troubles.attempt(
      device,
      async () => {
        state.tries++;
        if (state.why !== null) throw new DeviceTroubleError(state.why);
        return state.tries;
      },
      signal,
    );
    result.then(
      () => {
        state.ended = 'done';
      },
      (error: Error) => {
        state.ended = error.message;
      },
    );
    return state;
  };
  const pass = async (seconds: number) => {
    await turn();
    clock.advance(seconds * 1000);
    await turn();
  };
  return { ...members, clock, troubles, standings, said, work, pass };
}

describe('a device in trouble', () => {
  it('is tried again after 5, 15, 30, 60 and 130 s; then it is marked, and what was tried is given up', async () => {
    const { work, pass, said, troubles } = troubled();
    const state = work('pi');
    for (const [index, seconds] of [5, 15, 30, 60, 130].entries()) {
      await pass(seconds - 1);
      assert.equal(state.tries, index + 1, `not yet after ${seconds - 1} s`);
      assert.ok(troubles.isExpected('pi'));
      await pass(1);
      assert.equal(state.tries, index + 2);
    }
    assert.equal(state.ended, 'no disk');
    assert.equal(troubles.isExpected('pi'), false);
    assert.deepEqual(said, [
      'pi retrying: no disk; it is tried again in 5 s',
      'pi retrying: no disk; it is tried again in 15 s',
      'pi retrying: no disk; it is tried again in 30 s',
      'pi retrying: no disk; it is tried again in 60 s',
      'pi retrying: no disk; it is tried again in 2 minutes',
      'pi marked: no disk; it is tried again in 5 minutes, and nothing waits for it',
    ]);
  });

  it('is well again when something succeeds', async () => {
    const { work, pass, said } = troubled();
    const state = work('pi');
    await pass(5);
    state.why = null;
    await pass(15);
    assert.deepEqual([state.ended, state.tries], ['done', 3]);
    assert.equal(said.at(-1), 'pi expected: null');
    const next = work('pi');
    next.why = null;
    await turn();
    assert.equal(next.ended, 'done', 'at once');
    assert.equal(said.length, 3);
  });

  it('is tried by one search at a time; the others wait, and go on together when it is well', async () => {
    const { work, pass } = troubled();
    const first = work('pi');
    await turn();
    const [second, third] = [work('pi'), work('pi')];
    await pass(4);
    assert.deepEqual([first.tries, second.tries, third.tries], [1, 0, 0]);
    for (const state of [first, second, third]) state.why = null;
    await pass(1);
    assert.deepEqual([first.ended, second.ended, third.ended], ['done', 'done', 'done']);
  });

  it('that is marked is tried every five minutes, by who comes next', async () => {
    const { work, pass, said, troubles } = troubled();
    const first = work('pi');
    for (const seconds of [5, 15, 30, 60, 130]) await pass(seconds);
    assert.equal(first.ended, 'no disk');
    const second = work('pi');
    await pass(299);
    assert.equal(second.tries, 0);
    second.why = null;
    await pass(1);
    assert.equal(second.ended, 'done');
    assert.ok(troubles.isExpected('pi'));
    assert.equal(said.at(-1), 'pi expected: null');
  });

  it('counts once where several searches meet the same trouble', async () => {
    const { work, pass, said } = troubled();
    const states = [work('pi'), work('pi'), work('pi')];
    await turn();
    assert.equal(said.length, 1);
    for (const state of states) state.why = null;
    await pass(5);
    assert.deepEqual(
      states.map(({ ended }) => ended),
      ['done', 'done', 'done'],
    );
  });

  it('leaves its pause to work that alone cannot be done, though others succeed meanwhile', async () => {
    const { work, pass } = troubled();
    const bad = work('pi');
    await turn();
    for (const seconds of [5, 15, 30]) {
      await pass(seconds - 1);
      const good = work('pi');
      good.why = null;
      await turn();
      await pass(1);
      assert.equal(good.ended, 'done');
    }
    assert.equal(bad.tries, 4, 'one try a pause, however well the others go');
  });

  it('is tried at once when it comes back', async () => {
    const { work, pass, setPresence } = troubled();
    const state = work('pi');
    await pass(1);
    setPresence('pi', 'offline');
    await turn();
    assert.equal(state.tries, 1);
    state.why = null;
    setPresence('pi', 'online');
    await turn();
    assert.equal(state.ended, 'done');
  });

  it('is nobody else’s trouble, and no fault of ours', async () => {
    const { work, pass, troubles, said } = troubled();
    work('pi');
    const other = work('orin');
    other.why = null;
    await turn();
    assert.equal(other.ended, 'done');
    await assert.rejects(
      troubles.attempt('orin', () => Promise.reject(new TypeError('a mistake of ours')), never),
      TypeError,
    );
    await pass(1);
    assert.ok(said.every((line) => line.startsWith('pi')));
  });

  it('is waited for no longer when that is not wanted any more', async () => {
    const { work, pass, clock } = troubled();
    const ending = new AbortController();
    const [failed, waiting] = [work('pi', ending.signal), work('pi', ending.signal)];
    await turn();
    ending.abort(new Error('stopped'));
    await turn();
    assert.deepEqual([failed.ended, waiting.ended], ['stopped', 'stopped']);
    const late = work('pi', ending.signal);
    await turn();
    assert.deepEqual([late.ended, late.tries], ['stopped', 0]);
    await pass(5);
    assert.equal(clock.waiting, 0);
  });
});

describe('who is expected to answer', () => {
  it('is everybody, where all are in trouble: nothing could be recommended without any', async () => {
    const { work, pass, troubles } = troubled();
    const states = [work('pi'), work('orin')];
    for (const seconds of [5, 15, 30, 60, 130]) await pass(seconds);
    // What was given up while the other one was hoped for still is asked again when there is time.
    assert.deepEqual(states.map(({ ended }) => ended).sort(), ['no disk', 'running']);
    assert.deepEqual([troubles.isExpected('pi'), troubles.isExpected('orin')], [true, true]);
    for (const state of states) state.why = null;
    await pass(300);
    assert.deepEqual(states.map(({ ended }) => ended).sort(), ['done', 'no disk']);
  });

  it('the only one of a study is waited for, for as long as it takes', async () => {
    const { work, pass, troubles } = troubled(['pi']);
    const state = work('pi');
    for (const seconds of [5, 15, 30, 60, 130, 300, 300]) await pass(seconds);
    assert.deepEqual([state.ended, troubles.isExpected('pi')], ['running', true]);
    state.why = null;
    await pass(300);
    assert.equal(state.ended, 'done');
  });

  it('is everybody in a study that waits for all', async () => {
    const { work, pass, troubles } = troubled(['pi', 'orin'], true);
    const state = work('pi');
    for (const seconds of [5, 15, 30, 60, 130, 300, 300]) await pass(seconds);
    assert.deepEqual([state.ended, state.tries], ['running', 8]);
    assert.ok(troubles.isExpected('pi'));
  });

  it('is nobody who was left out, also where no other answers', () => {
    const { standings, troubles } = troubled();
    const [pi, orin] = ['pi', 'orin'].map((name) => standings.get(name) as StudyDevice) as [StudyDevice, StudyDevice];
    standings.set('pi', { ...pi, standing: 'left-out' });
    standings.set('orin', { ...orin, standing: 'marked' });
    assert.deepEqual([troubles.isExpected('pi'), troubles.isExpected('orin')], [false, true]);
  });

  it('where somebody waits is nobody who has been away for four minutes, until it is back', async () => {
    const { troubles, setPresence, pass, said } = troubled();
    setPresence('pi', 'offline');
    await pass(600);
    assert.deepEqual([troubles.isExpected('pi'), said], [true, []], 'as long as nobody needs it');
    const end = troubles.wait();
    await pass(239);
    assert.ok(troubles.isExpected('pi'));
    await pass(1);
    assert.deepEqual([troubles.isExpected('pi'), said], [false, ['pi marked: pi is offline: start its agent']]);
    setPresence('pi', 'busy');
    assert.deepEqual([troubles.isExpected('pi'), said.at(-1)], [true, 'pi expected: null']);
    setPresence('orin', 'offline');
    await pass(100);
    setPresence('orin', 'online');
    await pass(300);
    assert.ok(troubles.isExpected('orin'), 'it was back in time');
    setPresence('orin', 'offline');
    await pass(100);
    end();
    await pass(300);
    assert.ok(troubles.isExpected('orin'), 'nobody waits any more');
  });

  it('is who has taken the place of another, for four minutes of its own', async () => {
    const { troubles, standings, setPresence, pass, said, add } = troubled();
    setPresence('pi', 'offline');
    troubles.wait();
    const replaceBy = (name: string) => {
      const { id: deviceId } = add(name, { presence: 'offline' });
      const pi = standings.get('pi') as StudyDevice;
      standings.set('pi', { ...pi, deviceId, standing: 'expected', reason: null });
      troubles.decided('pi');
    };
    await pass(200);
    replaceBy('pi-2');
    await pass(239);
    assert.ok(troubles.isExpected('pi'));
    await pass(1);
    assert.equal(troubles.isExpected('pi'), false);
    replaceBy('pi-3');
    assert.ok(troubles.isExpected('pi'));
    await pass(240);
    assert.deepEqual([troubles.isExpected('pi'), said.length], [false, 2]);
  });

  it('where somebody waits is everybody in a study that waits for all, however long they are away', async () => {
    const { troubles, setPresence, pass, said } = troubled(['pi', 'orin'], true);
    setPresence('pi', 'offline');
    troubles.wait();
    await pass(600);
    assert.deepEqual([troubles.isExpected('pi'), said], [true, []]);
  });

  it('is the board that was removed and added again, at once, with its former id', async () => {
    const { troubles, remove, add, pass, said, standings, work } = troubled();
    const before = standings.get('pi') as StudyDevice;
    troubles.wait();
    remove('pi');
    const state = work('pi');
    state.why = 'pi was removed';
    await pass(240);
    assert.equal(troubles.isExpected('pi'), false);
    state.why = null;
    const { id } = add('pi', { deviceClass: 'fake | a newer kernel' });
    await turn();
    assert.deepEqual(
      [state.ended, said.slice(-2)],
      ['done', ['pi marked: pi was added to the fleet again', 'pi expected: null']],
    );
    const now = standings.get('pi') as StudyDevice;
    assert.deepEqual([now.deviceId, now.formerIds], [id, [before.deviceId]]);
    remove('pi');
    const again = add('pi');
    assert.deepEqual(standings.get('pi')?.formerIds, [id, before.deviceId], 'each of them');
    assert.equal(standings.get('pi')?.deviceId, again.id);
  });

  it('is not what was added under its name and is of another kind, nor one that a person has left out', async () => {
    const { troubles, remove, add, standings, said } = troubled();
    const orin = standings.get('orin') as StudyDevice;
    standings.set('orin', { ...orin, standing: 'left-out', reason: 'by a person' });
    for (const name of ['pi', 'orin']) remove(name);
    add('pi', { deviceClass: 'other' });
    add('orin');
    assert.deepEqual(said, []);
    assert.throws(() => troubles.deviceNow('pi'), /is of another kind \(other, not fake\)/);
  });

  it('wakes those who wait only when something is otherwise', async () => {
    const { troubles, setPresence } = troubled();
    let changes = 0;
    const ending = new AbortController();
    const noted = () => {
      changes++;
      count();
    };
    const count = (): void => void troubles.changes.next(ending.signal).then(noted, () => {});
    count();
    for (const presence of ['online', 'busy', 'online', 'busy'] as const) {
      setPresence('pi', presence);
      await turn();
    }
    assert.equal(changes, 0);
    for (const presence of ['offline', 'online'] as const) {
      setPresence('pi', presence);
      await turn();
    }
    ending.abort();
    assert.equal(changes, 2);
  });

  it('changes when a person decides: the pause is over', async () => {
    const { work, troubles, standings, pass } = troubled();
    const state = work('pi');
    await turn();
    state.why = null;
    standings.set('pi', { ...(standings.get('pi') as StudyDevice), deviceId: 'another' });
    troubles.decided('pi');
    await turn();
    assert.equal(state.ended, 'done');
    await pass(300);
  });
});

it('a study that has ended listens to nobody and waits for nothing', async () => {
  const { troubles, work, clock, listening, setPresence } = troubled();
  const ending = new AbortController();
  work('pi', ending.signal);
  setPresence('orin', 'offline');
  troubles.wait();
  await turn();
  assert.ok(clock.waiting > 0);
  ending.abort(new Error('stopped'));
  troubles.close();
  await turn();
  assert.deepEqual([clock.waiting, listening()], [0, 0]);
});
