/** Stop, resume, extend, export and delete. */
import type { StudyDetail } from '@edgetune/shared/protocol/http.ts';
import { useSignal } from '@preact/signals';
import { download, sendJson } from '../api/client.ts';
import { ConfirmDialog, ErrorText } from '../components/dialog.tsx';
import { useAction } from '../components/use-action.ts';
import { paths } from '../route.ts';
import { reloadOverview } from '../state/overview.ts';
import { ExtendDialog } from './extend-study.tsx';

const STOPPABLE = ['queued', 'running', 'waiting'];
const RESUMABLE = ['stopped', 'failed'];
const EXTENDABLE = ['succeeded', 'stopped'];

export function StudyActions({ study }: { study: StudyDetail }) {
  const { id, name, state } = study;
  const path = `/api/studies/${encodeURIComponent(id)}`;
  const removing = useSignal(false);
  const extending = useSignal(false);
  const stop = useAction(async () => void (await sendJson('POST', `${path}/stop`)));
  const resume = useAction(async () => void (await sendJson('POST', `${path}/resume`)));
  const save = useAction(() => download(`${path}/export`, `${name.replaceAll(/[^\w.-]+/g, '-')}.zip`));
  const remove = useAction(async () => {
    await sendJson('DELETE', path);
    await reloadOverview();
    location.hash = paths.studies;
  });
  return (
    <div>
      <div class="buttons">
        {STOPPABLE.includes(state) && (
          <button type="button" disabled={stop.busy.value} onClick={stop.run}>
            Stop
          </button>
        )}
        {RESUMABLE.includes(state) && (
          <button type="button" disabled={resume.busy.value} onClick={resume.run}>
            Resume
          </button>
        )}
        {EXTENDABLE.includes(state) && (
          <button type="button" onClick={() => (extending.value = true)}>
            Extend
          </button>
        )}
        <button type="button" disabled={save.busy.value} onClick={save.run}>
          Export zip
        </button>
        <button type="button" onClick={() => (removing.value = true)}>
          Delete
        </button>
      </div>
      <ErrorText text={stop.error.value ?? resume.error.value ?? save.error.value} />
      {extending.value && <ExtendDialog study={study} onClose={() => (extending.value = false)} />}
      {removing.value && (
        <ConfirmDialog
          title={`Delete ${name}?`}
          action="Delete"
          error={remove.error.value}
          onClose={() => (removing.value = false)}
          onConfirm={remove.run}
        >
          <p>The study goes with all its trials and models. Its measurements stay in the devices’ history.</p>
        </ConfirmDialog>
      )}
    </div>
  );
}
