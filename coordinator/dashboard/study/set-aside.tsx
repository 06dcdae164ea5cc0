/** Studies that the coordinator cannot read: which, why, what to do, and a way to be rid of them. */
import type { SetAsideStudy } from '@edgetune/shared/protocol/http.ts';
import { useSignal } from '@preact/signals';
import { sendJson } from '../api/client.ts';
import { Badge } from '../components/badge.tsx';
import { ConfirmDialog } from '../components/dialog.tsx';
import { dateTime } from '../components/format.ts';
import { useAction } from '../components/use-action.ts';
import { reloadOverview } from '../state/overview.ts';

export function SetAside({ studies }: { studies: readonly SetAsideStudy[] }) {
  return (
    <>
      {studies.map((study) => (
        <SetAsideNotice key={study.id} study={study} />
      ))}
    </>
  );
}

function SetAsideNotice({ study: { id, name, createdAt, reason } }: { study: SetAsideStudy }) {
  const removing = useSignal(false);
  const remove = useAction(async () => {
    await sendJson('DELETE', `/api/studies/${encodeURIComponent(id)}`);
    await reloadOverview();
  });
  return (
    <section class="card warnings" aria-label={`${name} cannot be read`}>
      <p>
        <Badge tone="bad">cannot be read</Badge> <strong>{name}</strong> ({id}, {dateTime(createdAt)}): {reason}. The
        other studies go on.
      </p>
      <button type="button" onClick={() => (removing.value = true)}>
        Delete
      </button>
      {removing.value && (
        <ConfirmDialog
          title={`Delete ${name}?`}
          action="Delete"
          error={remove.error.value}
          onClose={() => (removing.value = false)}
          onConfirm={remove.run}
        >
          <p>What is left of the study goes. Its measurements stay in the devices’ history.</p>
        </ConfirmDialog>
      )}
    </section>
  );
}
