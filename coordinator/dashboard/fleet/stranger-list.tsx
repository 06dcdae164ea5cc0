/** Boards that say hello and are no devices of this fleet: perhaps the wrong data directory was given. */
import { Badge } from '../components/badge.tsx';
import { counted, dateTime } from '../components/format.ts';
import { strangers } from '../state/overview.ts';

export function StrangerList() {
  const list = strangers.value;
  if (list.length === 0) return null;
  return (
    <section aria-label="Unknown boards">
      <h2>
        <Badge tone="notice">Unknown</Badge> {counted(list.length, 'board')} that this coordinator does not know
      </h2>
      <p>
        {list.length === 1 ? 'It says' : 'They say'} hello and keep what they have. Was the coordinator started with
        another data directory, or from an older backup? To take a board in here, add a device and paste its line on the
        board.
      </p>
      <ul>
        {list.map(({ deviceId, model, coordinator, lastSeenAt }) => (
          <li key={deviceId}>
            {deviceId}
            {model && ` (${model})`}, last heard {dateTime(lastSeenAt)}
            {coordinator && `; it has joined the coordinator ${coordinator}`}
          </li>
        ))}
      </ul>
    </section>
  );
}
