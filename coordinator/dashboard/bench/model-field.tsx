/** The model to bench: dropped or chosen, sent at once, and refused with the reason where it cannot be read. */
import { type BenchModel, benchModelSchema } from '@edgetune/shared/protocol/bench.ts';
import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { readAnswer, upload } from '../api/client.ts';
import { ErrorText } from '../components/dialog.tsx';
import { quantity } from '../components/format.ts';
import { useAction } from '../components/use-action.ts';
import { announce } from '../state/announce.ts';

export interface ChosenModel extends BenchModel {
  name: string;
}

interface ModelFieldProps {
  model: ChosenModel | null;
  onChange(model: ChosenModel | null): void;
}

export function ModelField({ model, onChange }: ModelFieldProps) {
  const file = useSignal<File | null>(null);
  const beside = useSignal<File[]>([]);
  const share = useSignal(0);
  const over = useSignal(false);
  const field = useRef<HTMLInputElement>(null);
  const { busy, error, run } = useAction(async () => {
    const sent = file.value as File;
    const body = beside.value.length > 0 ? formOf(sent, beside.value) : sent;
    const answer = await upload('/api/bench/models', body, (value) => (share.value = value));
    onChange({ ...readAnswer(answer, benchModelSchema), name: sent.name });
    announce(`${sent.name} is there`);
  });
  const choose = (files: FileList | null | undefined) => {
    const all = [...(files ?? [])];
    const chosen = all.find(({ name }) => name.endsWith('.onnx')) ?? all[0];
    if (!chosen || busy.value) return;
    file.value = chosen;
    beside.value = all.filter((each) => each !== chosen);
    share.value = 0;
    onChange(null);
    void run();
  };
  return (
    <>
      <label
        class={over.value ? 'field drop over' : 'field drop'}
        onDragOver={(event) => {
          event.preventDefault();
          over.value = true;
        }}
        onDragLeave={() => (over.value = false)}
        onDrop={(event) => {
          event.preventDefault();
          over.value = false;
          if (field.current && event.dataTransfer) field.current.files = event.dataTransfer.files;
          choose(event.dataTransfer?.files);
        }}
      >
        Model
        <input ref={field} type="file" multiple onChange={(event) => choose(event.currentTarget.files)} />
        <small>An ONNX file: choose it, or drop it here; together with its .onnx.data where it has one.</small>
      </label>
      {busy.value && (
        <div class="progress-row">
          <progress max={1} value={share.value} aria-label="Upload" />
          <span>{quantity(share.value, 'ratio')}</span>
        </div>
      )}
      {error.value !== null && <ErrorText text={`${file.value?.name} is refused: ${error.value}`} />}
      {model && <Accepted model={model} />}
    </>
  );
}

/** A model with the files in which it keeps its weights. */
function formOf(model: File, data: readonly File[]): FormData {
  const form = new FormData();
  form.append('model', model, model.name);
  for (const file of data) form.append('data', file, file.name);
  return form;
}

function Accepted({ model }: { model: ChosenModel }) {
  return (
    <div class="quiet">
      <strong>{model.name}</strong>, {quantity(model.modelBytes, 'memory')}, {model.precision},{' '}
      {model.fixedBatch === null ? 'any batch size' : `batch fixed at ${model.fixedBatch}`}
      <ul>
        {model.inputs.map(({ name, dtype, shape }) => (
          <li key={name}>
            <code>{name}</code>: {dtype} [{shape === null ? 'unknown' : shape.map((size) => size ?? '?').join(', ')}]
          </li>
        ))}
      </ul>
      {model.assumptions.map((assumption) => (
        <p key={assumption}>Assumed: {assumption}.</p>
      ))}
    </div>
  );
}
