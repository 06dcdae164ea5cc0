/** Lets a study that has ended go on: with more trials, epochs, time or energy, and for devices that it has not yet. */
import { type Dimension, formatQuantity, parseQuantity } from '@edgetune/shared/domain/units.ts';
import type { StudyDetail } from '@edgetune/shared/protocol/http.ts';
import { useSignal } from '@preact/signals';
import { sendJson } from '../api/client.ts';
import { Dialog, ErrorText } from '../components/dialog.tsx';
import { useAction } from '../components/use-action.ts';
import { devices } from '../state/overview.ts';

/** One thing that may grow, counted in all. */
interface Growing {
  name: 'trials' | 'epochs' | 'timeS' | 'energyJ';
  label: string;
  /** What the study may do now, in words. */
  now: string;
  hint?: string;
  read(text: string): unknown;
}

/** What is no number is refused with words by the coordinator. */
const count = (text: string) => (Number.isNaN(Number(text)) ? text : Number(text));

function growingOf({ trials, spec: { budget, stop }, spent }: StudyDetail): Growing[] {
  const limit = (dimension: Dimension, name: 'timeS' | 'energyJ', label: string, used: number, toBase: number) => {
    const now = stop[name];
    const write = (value: number) => formatQuantity(value * toBase, dimension);
    return now === undefined
      ? []
      : [
          {
            ...{ name, label, now: write(now), hint: `It has taken ${write(used)}.` },
            read: (text: string) => parseQuantity(text, dimension) / toBase,
          },
        ];
  };
  return [
    { name: 'trials', label: 'Trials in all', now: String(trials.planned), read: count },
    {
      ...{ name: 'epochs', label: 'Epochs of the highest rung', now: String(budget.maxEpochs), read: count },
      hint: 'The rungs that it has stay as they are. What is recommended is trained on from where it stands.',
    },
    ...limit('time', 'timeS', 'Time in all', spent.seconds, 1000),
    ...limit('energy', 'energyJ', 'Energy in all', spent.joules, 1),
  ];
}

export function ExtendDialog({ study, onClose }: { study: StudyDetail; onClose(): void }) {
  const texts = useSignal<Readonly<Record<string, string>>>({});
  const added = useSignal<readonly string[]>([]);
  const own = study.deviceViews.map(({ deviceId }) => deviceId);
  const others = (devices.value ?? []).filter(({ id }) => !own.includes(id));
  const growing = growingOf(study);
  const extend = useAction(async () => {
    const asked = growing.flatMap(({ name, read }) => {
      const text = texts.value[name]?.trim() ?? '';
      return text === '' ? [] : [[name, read(text)]];
    });
    await sendJson('POST', `/api/studies/${encodeURIComponent(study.id)}/extend`, {
      ...Object.fromEntries(asked),
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
      {growing.map(({ name, label, now, hint }) => (
        <label class="field" key={name}>
          {label}
          <input
            value={texts.value[name] ?? ''}
            placeholder={now}
            autocomplete="off"
            onInput={(event) => (texts.value = { ...texts.value, [name]: event.currentTarget.value })}
          />
          {hint && <small>{hint}</small>}
        </label>
      ))}
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
