/** Cancel, download and delete. */
import type { BenchView } from '@edgetune/shared/protocol/bench.ts';
import { benchCsv, benchMarkdown } from '@edgetune/shared/protocol/bench-report.ts';
import { saveFile, sendJson } from '../api/client.ts';
import { ErrorText } from '../components/dialog.tsx';
import { useAction } from '../components/use-action.ts';
import { paths } from '../route.ts';

const REPORTS: Record<string, { extension: string; type: string; write(view: BenchView): string }> = {
  Markdown: { extension: 'md', type: 'text/markdown', write: benchMarkdown },
  CSV: { extension: 'csv', type: 'text/csv', write: benchCsv },
  JSON: { extension: 'json', type: 'application/json', write: (view) => `${JSON.stringify(view, null, 2)}\n` },
};

export function BenchActions({ view }: { view: BenchView }) {
  const path = `/api/bench/${encodeURIComponent(view.id)}`;
  const cancel = useAction(async () => void (await sendJson('POST', `${path}/cancel`)));
  const remove = useAction(async () => {
    await sendJson('DELETE', path);
    location.hash = paths.benches;
  });
  return (
    <div>
      <div class="buttons">
        {Object.entries(REPORTS).map(([name, { extension, type, write }]) => (
          <button
            key={name}
            type="button"
            onClick={() =>
              saveFile(new Blob([write(view)], { type }), `${view.modelName.replace(/\.onnx$/, '')}-bench.${extension}`)
            }
          >
            {name}
          </button>
        ))}
        {view.state === 'running' ? (
          <button type="button" disabled={cancel.busy.value} onClick={cancel.run}>
            Cancel
          </button>
        ) : (
          <button type="button" disabled={remove.busy.value} onClick={remove.run}>
            Delete
          </button>
        )}
      </div>
      <ErrorText text={cancel.error.value ?? remove.error.value} />
    </div>
  );
}
