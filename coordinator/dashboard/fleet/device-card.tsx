/** One device of the fleet: state, board, and what can be done with it. */
import type { BoardDescription, DeviceView, Presence } from '@edgetune/shared/domain/device.ts';
import { sharedCredentialCure, sharedCredentialText } from '@edgetune/shared/domain/shared-credential.ts';
import { useSignal } from '@preact/signals';
import { sendJson } from '../api/client.ts';
import { Badge, type Tone } from '../components/badge.tsx';
import { ConfirmDialog, Dialog, ErrorText } from '../components/dialog.tsx';
import { counted, dateTime, quantity } from '../components/format.ts';
import { SimulatedNotice } from '../components/simulated-notice.tsx';
import { useAction } from '../components/use-action.ts';
import { announce } from '../state/announce.ts';
import { reloadOverview } from '../state/overview.ts';
import { RenewCommand } from './add-device.tsx';

const TONES: Record<Presence, Tone> = { pending: 'notice', online: 'good', busy: 'busy', offline: 'bad' };

export function DeviceCard({ device }: { device: DeviceView }) {
  const open = useSignal<'rename' | 'remove' | 'command' | null>(null);
  const close = () => (open.value = null);
  const { name, board, presence } = device;
  return (
    <li class="card device" aria-label={`Device ${name}`}>
      <div class="card-head">
        <h2>{name}</h2>
        <Badge tone={TONES[presence]}>{presence}</Badge>
      </div>
      {board?.simulated && <SimulatedNotice simulated={board.simulated} />}
      {board ? <BoardFacts board={board} /> : <p>Waiting for the agent to join with its command.</p>}
      {board?.missing && <MissingList missing={board.missing} />}
      {board && <p class="quiet">{activityText(device)}</p>}
      {device.sharedCredential && (
        <p role="alert">
          <Badge tone="bad">Two boards</Badge> {sharedCredentialText(name, device.sharedCredential)}. To mend it,{' '}
          {sharedCredentialCure(name)}.
        </p>
      )}
      {device.agentUpdate && <UpdateNotice update={device.agentUpdate} />}
      <div class="buttons">
        {presence === 'pending' && (
          <button type="button" aria-label={`New command for ${name}`} onClick={() => (open.value = 'command')}>
            New command
          </button>
        )}
        <button type="button" aria-label={`Rename ${name}`} onClick={() => (open.value = 'rename')}>
          Rename
        </button>
        <button type="button" aria-label={`Remove ${name}`} onClick={() => (open.value = 'remove')}>
          Remove
        </button>
      </div>
      {open.value === 'command' && <RenewCommand name={name} onClose={close} />}
      {open.value === 'rename' && <RenameDialog name={name} onClose={close} />}
      {open.value === 'remove' && <RemoveDialog name={name} onClose={close} />}
    </li>
  );
}

function activityText({ runningJobs, queuedJobs, lastSeenAt, onCoordinatorHost }: DeviceView): string {
  const activity =
    runningJobs + queuedJobs > 0
      ? `${counted(runningJobs, 'measurement')} running, ${queuedJobs} waiting`
      : `Last seen ${dateTime(lastSeenAt)}`;
  return onCoordinatorHost ? `${activity} · on the coordinator’s machine` : activity;
}

function UpdateNotice({ update: { offered, failed, refused } }: { update: NonNullable<DeviceView['agentUpdate']> }) {
  return (
    <>
      {offered && <p class="quiet">Agent {offered} is offered: it is installed between two measurements.</p>}
      {refused && (
        <p>
          <Badge tone="notice">Not updated</Badge> There is a newer agent, and this one is not offered it: {refused}.
        </p>
      )}
      {failed && (
        <p>
          <Badge tone="bad">Update failed</Badge> to agent {failed.release}: {failed.reason}. The previous version goes
          on.
        </p>
      )}
    </>
  );
}

/** What the agent cannot do on this board, and how to get it. */
function MissingList({ missing }: { missing: NonNullable<BoardDescription['missing']> }) {
  if (missing.length === 0) return null;
  return (
    <details>
      <summary>Not available on this board: {missing.map(({ what }) => what).join(', ')}</summary>
      <ul>
        {missing.map(({ what, why, how }) => (
          <li key={what}>
            <strong>{what}</strong>: {why}. To get it: {how}.
          </li>
        ))}
      </ul>
    </details>
  );
}

function BoardFacts({ board }: { board: BoardDescription }) {
  const runtimes = board.runtimes.map(
    ({ runner, version, executionProviders }) => `${runner} ${version} (${executionProviders.join(', ')})`,
  );
  const facts: [string, string][] = [
    ['Board', board.model],
    ['CPU', `${board.cpuModel}, ${counted(board.physicalCores, 'core')}, ${board.architecture}`],
    ['Memory', quantity(board.memoryBytes, 'memory')],
    ['Clock', clockText(board)],
    ['System', `${board.os}, Node.js ${board.nodeVersion}, agent ${board.agentVersion}`],
    ['Runtimes', runtimes.join('; ') || 'none'],
    ['Power meter', board.powerMeter ?? 'none'],
    ...(board.powerMode === null ? [] : [['Power mode', board.powerMode] satisfies [string, string]]),
    ...(board.temperatureC === null
      ? []
      : [['Temperature', `${board.temperatureC.toFixed(0)} °C`] satisfies [string, string]]),
  ];
  return (
    <dl class="facts">
      {facts.map(([term, text]) => (
        <div key={term}>
          <dt>{term}</dt>
          <dd>{text}</dd>
        </div>
      ))}
    </dl>
  );
}

function clockText({ minClockKHz, maxClockKHz, settableClocksKHz }: BoardDescription): string {
  if (maxClockKHz === null) return 'unknown';
  const range =
    minClockKHz === null
      ? quantity(maxClockKHz, 'clock')
      : `${quantity(minClockKHz, 'clock')} to ${quantity(maxClockKHz, 'clock')}`;
  return settableClocksKHz.length > 0 ? `${range}, ${settableClocksKHz.length} settable` : range;
}

function RenameDialog({ name, onClose }: { name: string; onClose(): void }) {
  const newName = useSignal(name);
  const { busy, error, run } = useAction(async () => {
    await sendJson('PATCH', `/api/devices/${encodeURIComponent(name)}`, { name: newName.value.trim() });
    await reloadOverview();
    announce(`${name} is called ${newName.value} now`);
    onClose();
  });
  const submit = (event: Event) => {
    event.preventDefault();
    void run();
  };
  return (
    <Dialog title={`Rename ${name}`} onClose={onClose}>
      <form onSubmit={submit}>
        <label class="field">
          New name
          <input
            value={newName.value}
            onInput={(event) => (newName.value = event.currentTarget.value)}
            required
            maxLength={63}
          />
        </label>
        <ErrorText text={error.value} />
        <div class="buttons">
          <button type="submit" class="primary" disabled={busy.value}>
            Rename
          </button>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function RemoveDialog({ name, onClose }: { name: string; onClose(): void }) {
  const { error, run } = useAction(async () => {
    await sendJson('DELETE', `/api/devices/${encodeURIComponent(name)}`);
    await reloadOverview();
    announce(`${name} is removed`);
    onClose();
  });
  return (
    <ConfirmDialog title={`Remove ${name}?`} action="Remove" error={error.value} onClose={onClose} onConfirm={run}>
      <p>Its agent is cut off and must join anew. Its measurements stay in the studies they were made for.</p>
    </ConfirmDialog>
  );
}
