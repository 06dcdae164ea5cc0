/** The study that a new one starts from, by its id: names are given more than once. */
import { type Draft, valueAt } from '../components/draft.ts';
import { studies } from '../state/overview.ts';

export function FromField({ draft, fields }: { draft: Draft; fields: Record<string, unknown> }) {
  const written = valueAt(fields, ['from']);
  const known = studies.value ?? [];
  if (known.length === 0 && written === undefined) return null;
  const chosen = written === undefined ? '' : String(written);
  return (
    <label class="field">
      Start from
      <select value={chosen} onChange={(event) => draft.set(['from'], event.currentTarget.value || undefined)}>
        <option value="">nothing: it begins anew</option>
        {chosen !== '' && !known.some(({ id }) => id === chosen) && (
          <option value={chosen}>{chosen}, as written</option>
        )}
        {known.map(({ id, name, state }) => (
          <option key={id} value={id}>
            {name} ({id}, {state})
          </option>
        ))}
      </select>
      <small>What that study has tried informs the search; what of it cannot be taken over is said.</small>
    </label>
  );
}
