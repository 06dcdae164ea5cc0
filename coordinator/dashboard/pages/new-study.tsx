/** Writes a study: a form with defaults beside the YAML that it stands for. */
import { studySpecSchema } from '@edgetune/shared/domain/study.ts';
import {
  createStudyResponseSchema,
  type Problem,
  type StudyPartsView,
  workloadListSchema,
} from '@edgetune/shared/protocol/http.ts';
import { useSignal, useSignalEffect } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import { ApiError, answerOf, getJson, sendJson } from '../api/client.ts';
import { ErrorText } from '../components/dialog.tsx';
import { createDraft, valueAt } from '../components/draft.ts';
import { StudyForm } from '../new-study/study-form.tsx';
import { YamlEditor } from '../new-study/yaml-editor.tsx';
import { paths } from '../route.ts';
import { announce } from '../state/announce.ts';
import { devices } from '../state/overview.ts';

type Workload = StudyPartsView['workloads'][number];

export function NewStudyPage() {
  const draft = useMemo(createDraft, []);
  const parts = useSignal<StudyPartsView | null>(null);
  const problem = useSignal<Problem | null>(null);
  const failure = useSignal<string | null>(null);
  const busy = useSignal(false);

  const startFrom = (chosen: Workload) => {
    draft.setText(chosen.exampleYaml);
    draft.set(['devices'], readyDevices());
    problem.value = null;
  };
  useSignalEffect(() => {
    // Waits for the fleet, whose devices are chosen at first, and starts once.
    if (devices.value === null || parts.peek() !== null) return;
    getJson('/api/workloads', workloadListSchema).then(
      (list) => {
        if (parts.peek() !== null) return;
        parts.value = list;
        if (list.workloads[0]) startFrom(list.workloads[0]);
      },
      (error: Error) => {
        failure.value = error.message;
      },
    );
  });
  const submit = async (event: Event) => {
    event.preventDefault();
    busy.value = true;
    problem.value = null;
    failure.value = null;
    try {
      const response = await sendJson('POST', '/api/studies', { yaml: draft.text.value });
      const { study } = await answerOf(response, createStudyResponseSchema);
      announce(`Study ${study.name} is ${study.state}`);
      location.hash = paths.study(study.id);
    } catch (error) {
      if (error instanceof ApiError && error.status === 400) problem.value = error.problem;
      else failure.value = (error as Error).message;
    } finally {
      busy.value = false;
    }
  };
  const fields = draft.fields();
  const workload = fields && (valueAt(fields, ['workload']) ?? studySpecSchema.shape.workload.parse(undefined));
  const workloads = parts.value?.workloads ?? [];
  return (
    <form onSubmit={submit} noValidate>
      <div class="title">
        <h1>New study</h1>
        <button type="submit" class="primary" disabled={busy.value || parts.value === null}>
          Start study
        </button>
      </div>
      <ErrorText text={failure.value} />
      <div class="halves">
        <div class="card">
          <WorkloadField
            workloads={workloads}
            chosen={workloads.find(({ name }) => name === workload) ?? null}
            onChange={startFrom}
          />
          {fields && parts.value && (
            <StudyForm draft={draft} fields={fields} devices={devices.value ?? []} parts={parts.value} />
          )}
          {!fields && <p>The text is no complete YAML now; the form comes back when it is.</p>}
        </div>
        <div class="card">
          <YamlEditor draft={draft} problem={problem.value} />
        </div>
      </div>
    </form>
  );
}

interface WorkloadFieldProps {
  workloads: readonly Workload[];
  /** What the text names; null where that is none of them. */
  chosen: Workload | null;
  onChange(workload: Workload): void;
}

function WorkloadField({ workloads, chosen, onChange }: WorkloadFieldProps) {
  const change = (wanted: string) => {
    const found = workloads.find(({ name }) => name === wanted);
    if (found) onChange(found);
  };
  return (
    <label class="field">
      Workload
      <select value={chosen?.name ?? ''} onChange={(event) => change(event.currentTarget.value)}>
        {workloads.map(({ name }) => (
          <option key={name}>{name}</option>
        ))}
      </select>
      <small>{chosen?.description}</small>
    </label>
  );
}

/** All devices that can measure now; all of the fleet where none can. */
function readyDevices(): string[] {
  const fleet = devices.peek() ?? [];
  const ready = fleet.filter(({ presence }) => presence === 'online' || presence === 'busy');
  return (ready.length > 0 ? ready : fleet).map(({ name }) => name);
}
