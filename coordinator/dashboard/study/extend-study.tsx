/** Lets a study that has ended go on: with more trials, and for devices that it has not yet. */
import type { StudyDetail } from '@edgetune/shared/protocol/http.ts';
import { useSignal } from '@preact/signals';
import { sendJson } from '../api/client.ts';
import { Dialog, ErrorText } from '../components/dialog.tsx';
import { useAction } from '../components/use-action.ts';
import { devices } from '../state/overview.ts';

export function ExtendDialog({ study, onClose }: { study: StudyDetail; onClose(): void }) {
  const trials = useSignal('');
  const added = useSignal<readonly string[]>([]);
  const own = study.deviceViews.map(({ deviceId }) => deviceId);
  const others = (devices.value ?? []).filter(({ id }) => !own.includes(id));
  const extend = useAction(async () => {
    const text = trials.value.trim();
    // What is no number is refused with words by the coordinator.
    const asked = text === '' || Number.isNaN(Number(text)) ? text : Number(text);
    await sendJson('POST', `/api/studies/${encodeURIComponent(study.id)}/extend`, {
      ...(asked === '' ? {} : { trials: asked }),
      ...(added.value.length > 0 ? { devices: added.value } : {}),
    });
    onClose();
  });
  const toggle = (name: string, isAdded: boolean) => {
    added.value = isAdded ? [...added.value, name] : added.value.filter((other) => other !== name);
  };
  return (
    <Dialog title={`Extend ${study.name}`} onClose={onClose}>
      <p>
        The study goes on from where it was, and recommends anew. A device that is added is asked about what was tried
        before, and measures the models that are recommended.
      </p>
      <label class="field">
        Trials in all
        <input
          inputMode="numeric"
          value={trials.value}
          placeholder={String(study.trials.planned)}
          autocomplete="off"
          onInput={(event) => (trials.value = event.currentTarget.value)}
        />
      </label>
      {others.length > 0 && (
        <fieldset>
          <legend>Devices to add</legend>
          {others.map(({ id, name, presence }) => (
            <label class="choice" key={id}>
              <input
                type="checkbox"
                checked={added.value.includes(name)}
                onChange={(event) => toggle(name, event.currentTarget.checked)}
              />
              {name} ({presence})
            </label>
          ))}
        </fieldset>
      )}
      <ErrorText text={extend.error.value} />
      <div class="buttons">
        <button type="button" class="primary" disabled={extend.busy.value} onClick={extend.run}>
          Extend the study
        </button>
        <button type="button" onClick={onClose}>
          Cancel
        </button>
      </div>
    </Dialog>
  );
}
