import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deviceClassOf } from '@edgetune/shared/domain/device.ts';
import type { JobState } from '@edgetune/shared/protocol/job.ts';
import {
  boardDescription,
  joinDevice,
  measurementFor,
  measureOn,
  measureOptions,
  measureRequest,
  startFleet,
  untilPresence,
} from '../../support/fleet.ts';

test('a device joins, is seen online, measures, and its result is acknowledged', async (t) => {
  const under = await startFleet(t);
  const { fleet } = under;
  assert.equal(fleet.device('kitchen-pi'), null);
  const { agent, deviceId } = await joinDevice(under, 'kitchen-pi');
  const states: JobState[] = [];
  const result = measureOn(fleet, deviceId, measureRequest(), {
    ...measureOptions(),
    onStateChange: (state) => states.push(state),
  });
  const job = await agent.job();
  assert.equal(fleet.device('kitchen-pi')?.presence, 'busy');
  await agent.update(job, 'accepted');
  await agent.update(job, 'running');
  const updateId = await agent.update(job, 'succeeded');
  assert.deepEqual(await result, {
    ...measurementFor(job.request, { deviceClass: deviceClassOf(boardDescription()) }),
    ...{ id: `m-${job.jobId}-1`, deviceId, deviceName: 'kitchen-pi', studyId: 'study-1' },
  });
  assert.deepEqual(states, ['queued', 'sent', 'accepted', 'running', 'succeeded']);
  await agent.command('acknowledge', ({ updateIds }) => updateIds.includes(updateId));
  assert.equal(under.store.jobs.get(job.jobId)?.state, 'succeeded');
  assert.deepEqual(under.store.jobs.unfinished(), []);
  assert.deepEqual(under.late, []);

  agent.vanish();
  await untilPresence(fleet, 'kitchen-pi', 'offline');
  assert.equal(fleet.device('kitchen-pi')?.runningJobs, 0);
});
