/** How the devices of a study stand, and what can be done about one that is in trouble. */
import type { StudyDetail } from '@edgetune/shared/protocol/http.ts';
import { useSignal } from '@preact/signals';
import { sendJson } from '../api/client.ts';
import { Badge, type Tone } from '../components/badge.tsx';
import { ConfirmDialog, ErrorText } from '../components/dialog.tsx';
import { useAction } from '../components/use-action.ts';
import { devices } from '../state/overview.ts';

type StudyDevice = StudyDetail['deviceViews'][number];

const WORDS: Record<StudyDevice['standing'], { text: string; tone: Tone }> = {
  expected: { text: 'answers', tone: 'good' },
  retrying: { text: 'in trouble, tried again', tone: 'notice' },
  marked: { text: 'in trouble, not waited for', tone: 'bad' },
  'left-out': { text: 'left out', tone: 'neutral' },
};

export function StudyDevices({ study }: { study: StudyDetail }) {
  const { deviceViews, unmeasured, state } = study;
  const rest = useAction(async () => void (await sendJson('POST', `${pathOf(study)}/resume`)));
  const isOver = state === 'succeeded';
  if (
    unmeasured.length === 0 &&
    state !== 'waiting' &&
    deviceViews.every(({ standing, reason }) => standing === 'expected' && reason === null)
  )
    return null;
  return (
    <section class="card" aria-label="Devices">
      <h2>Devices</h2>
      <ul>
        {deviceViews.map((device) => (
          <li key={device.device}>
            <Device study={study} device={device} />
          </li>
        ))}
      </ul>
      {isOver && unmeasured.length > 0 && (
        <>
          <p>{unmeasured.join(', ')} did not measure every model that is recommended.</p>
          <button type="button" class="primary" disabled={rest.busy.value} onClick={rest.run}>
            Measure the rest
          </button>
          <ErrorText text={rest.error.value} />
        </>
      )}
    </section>
  );
}

function Device({ study, device: { device, standing, reason } }: { study: StudyDetail; device: StudyDevice }) {
  const leaving = useSignal(false);
  const { text, tone } = WORDS[standing];
  const path = `${pathOf(study)}/devices/${encodeURIComponent(device)}`;
  const leave = useAction(async () => {
    await sendJson('POST', `${path}/leave-out`);
    leaving.value = false;
  });
  const by = useSignal('');
  const replace = useAction(async () => void (await sendJson('POST', `${path}/replace`, { by: by.value })));
  const inUse = study.deviceViews.map(({ deviceId }) => deviceId);
  const others = (devices.value ?? []).filter(({ id, board }) => board !== null && !inUse.includes(id));
  const isLast = study.deviceViews.filter((each) => each.standing !== 'left-out').length === 1;
  return (
    <>
      <strong>{device}</strong> <Badge tone={tone}>{text}</Badge> {reason}
      {standing !== 'left-out' && (
        <span class="buttons">
          {!isLast && (
            <button type="button" onClick={() => (leaving.value = true)}>
              Go on without {device}
            </button>
          )}
          {others.length > 0 && (
            <label class="inline">
              Use in its place{' '}
              <select
                value=""
                disabled={replace.busy.value}
                onChange={(event) => {
                  by.value = event.currentTarget.value;
                  if (by.value !== '') void replace.run();
                }}
              >
                <option value="">–</option>
                {others.map(({ id, name }) => (
                  <option key={id}>{name}</option>
                ))}
              </select>
            </label>
          )}
        </span>
      )}
      <ErrorText text={replace.error.value} />
      {leaving.value && (
        <ConfirmDialog
          title={`Go on without ${device}?`}
          action="Go on without it"
          error={leave.error.value}
          onClose={() => (leaving.value = false)}
          onConfirm={leave.run}
        >
          <p>
            Nothing waits for it any more, and its limits and objectives count no longer. What it has measured stays in
            its history.
          </p>
        </ConfirmDialog>
      )}
    </>
  );
}

function pathOf({ id }: StudyDetail): string {
  return `/api/studies/${encodeURIComponent(id)}`;
}
