/** The fleet: every device with its state and its board, and how to add one. */
import { useSignal } from '@preact/signals';
import { counted } from '../components/format.ts';
import { AddDevice } from '../fleet/add-device.tsx';
import { DeviceCard } from '../fleet/device-card.tsx';
import { StrangerList } from '../fleet/stranger-list.tsx';
import { devices } from '../state/overview.ts';

export function FleetPage() {
  const adding = useSignal(false);
  const list = devices.value;
  const ready = (list ?? []).filter(({ presence }) => presence === 'online' || presence === 'busy').length;
  return (
    <>
      <div class="title">
        <h1>Fleet</h1>
        <button type="button" class="primary" onClick={() => (adding.value = true)}>
          Add device
        </button>
      </div>
      {list === null ? (
        <p>Reading the fleet …</p>
      ) : list.length === 0 ? (
        <p class="empty">
          No device yet. Add one by name, and paste the command that you get on the board: it then measures for your
          studies.
        </p>
      ) : (
        <>
          <p class="quiet">
            {counted(list.length, 'device')}, {ready} ready
          </p>
          <ul class="cards">
            {list.map((device) => (
              <DeviceCard key={device.id} device={device} />
            ))}
          </ul>
        </>
      )}
      <StrangerList />
      {adding.value && <AddDevice onClose={() => (adding.value = false)} />}
    </>
  );
}
