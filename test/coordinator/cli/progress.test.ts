/** What a study is shown to wait for while it is followed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StudyEventBody } from '@edgetune/shared/domain/study-event.ts';
import { StudyProgress } from '../../../coordinator/cli/render/progress.ts';

test('a study that waits without an event of its own says so once for each reason, and not what an event has said', () => {
  let shown = '';
  const progress = new StudyProgress({ write: (text) => (shown += text) }, 3);
  const event = (body: StudyEventBody) =>
    progress.show({ seq: 1, studyId: 's-1', at: '2026-01-01T00:00:00.000Z', body });
  event({ type: 'study-state', state: 'waiting', reason: 'waiting for pi: start the agent there' });
  progress.waits('waiting for pi: start the agent there');
  event({ type: 'study-state', state: 'running', reason: null });
  for (const reason of ['the disk is full', 'the disk is full', 'the quota is reached', 'the disk is full'])
    progress.waits(reason);
  assert.deepEqual(shown.trim().split('\n'), [
    'waiting: waiting for pi: start the agent there',
    'waiting: the disk is full',
    'waiting: the quota is reached',
    'waiting: the disk is full',
  ]);
});
