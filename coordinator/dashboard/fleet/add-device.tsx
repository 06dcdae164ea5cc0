/** Adds a device by its name and shows the line to paste on the board. */
import { type AddDeviceResponse, addDeviceResponseSchema } from '@edgetune/shared/protocol/http.ts';
import { useSignal } from '@preact/signals';
import { answerOf, sendJson } from '../api/client.ts';
import { CopyLine } from '../components/copy-line.tsx';
import { Dialog, ErrorText } from '../components/dialog.tsx';
import { dateTime } from '../components/format.ts';
import { useAction } from '../components/use-action.ts';
import { devices, reloadOverview } from '../state/overview.ts';

export function AddDevice({ onClose }: { onClose(): void }) {
  const name = useSignal('');
  const added = useSignal<AddDeviceResponse | null>(null);
  const { busy, error, run } = useAction(async () => {
    const response = await sendJson('POST', '/api/devices', { name: name.value.trim() });
    added.value = await answerOf(response, addDeviceResponseSchema);
    await reloadOverview();
  });
  if (added.value) return <JoinCommand added={added.value} onClose={onClose} />;
  const submit = (event: Event) => {
    event.preventDefault();
    void run();
  };
  return (
    <Dialog title="Add device" onClose={onClose}>
      <form onSubmit={submit}>
        <label class="field">
          Name
          <input
            value={name.value}
            onInput={(event) => (name.value = event.currentTarget.value)}
            placeholder="kitchen-pi"
            required
            maxLength={63}
            autocomplete="off"
          />
          <small>Letters, digits, “-”, “_” and “.”; the name can be changed later.</small>
        </label>
        <ErrorText text={error.value} />
        <div class="buttons">
          <button type="submit" class="primary" disabled={busy.value}>
            Make the command
          </button>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** A new line for a device that has not joined: the former one was lost, or its hour is over. */
export function RenewCommand({ name, onClose }: { name: string; onClose(): void }) {
  const added = useSignal<AddDeviceResponse | null>(null);
  const { busy, error, run } = useAction(async () => {
    const response = await sendJson('POST', `/api/devices/${encodeURIComponent(name)}/token`);
    added.value = await answerOf(response, addDeviceResponseSchema);
  });
  if (added.value) return <JoinCommand added={added.value} onClose={onClose} />;
  return (
    <Dialog title={`New command for ${name}`} onClose={onClose}>
      <p>The former command will not work any more.</p>
      <ErrorText text={error.value} />
      <div class="buttons">
        <button type="button" class="primary" disabled={busy.value} onClick={run}>
          Make the command
        </button>
        <button type="button" onClick={onClose}>
          Cancel
        </button>
      </div>
    </Dialog>
  );
}

function JoinCommand({ added, onClose }: { added: AddDeviceResponse; onClose(): void }) {
  const { id, name } = added.device;
  const joined = devices.value?.some((device) => device.id === id && device.presence !== 'pending') ?? false;
  return (
    <Dialog title={`Add ${name}`} onClose={onClose}>
      <p>
        Run this on the board: it installs the agent as a service. The command works once, until{' '}
        {dateTime(added.expiresAt)}.
      </p>
      <CopyLine label="Command" text={added.installCommand} />
      <details>
        <summary>Without root, for as long as it runs (needs Node.js 20 or later)</summary>
        <CopyLine label="Command without root" text={added.command} />
      </details>
      <details>
        <summary>No board at hand? Simulate one on the coordinator’s machine</summary>
        <CopyLine label="Command for a simulated board" text={added.localCommand} />
      </details>
      <p role="status">{joined ? `✓ ${name} has joined.` : `Waiting for ${name} to join …`}</p>
      <div class="buttons">
        <button type="button" class="primary" onClick={onClose}>
          Done
        </button>
      </div>
    </Dialog>
  );
}
