/** The fleet and the list of studies, kept up to date by the coordinator's overview stream. */
import type { DeviceView } from '@edgetune/shared/domain/device.ts';
import {
  deviceListSchema,
  type OverviewStreamMessage,
  overviewStreamMessageSchema,
  type SetAsideStudy,
  type StrangerView,
  type StudySummary,
  studyListSchema,
} from '@edgetune/shared/protocol/http.ts';
import { signal } from '@preact/signals';
import { getJson, readAnswer } from '../api/client.ts';
import { followStream } from '../api/event-stream.ts';

/** Null until the first answer. */
export const devices = signal<DeviceView[] | null>(null);
export const studies = signal<StudySummary[] | null>(null);
/** Studies that cannot be read: found when the coordinator starts. */
export const setAside = signal<SetAsideStudy[]>([]);
/** Boards that say hello and are no devices of this fleet. */
export const strangers = signal<StrangerView[]>([]);
export const connected = signal(true);

/** Reads both lists anew; the stream tells what changes, but not what went away while it was down. */
export async function reloadOverview(): Promise<void> {
  const [fleet, list] = await Promise.all([
    getJson('/api/devices', deviceListSchema),
    getJson('/api/studies', studyListSchema),
  ]);
  devices.value = fleet.devices;
  studies.value = list.studies;
  strangers.value = fleet.strangers;
  setAside.value = list.setAside;
}

export function followOverview(signal: AbortSignal): void {
  void followStream('/api/stream', {
    signal,
    onEvent: ({ data }) => applyMessage(readAnswer(JSON.parse(data), overviewStreamMessageSchema)),
    onConnection: (now) => {
      connected.value = now;
      if (now) reloadOverview().catch((error: Error) => console.warn(error.message));
    },
  });
}

function applyMessage(message: OverviewStreamMessage): void {
  if (message.type === 'device') devices.value = withItem(devices.value ?? [], message.device);
  else if (message.type === 'study') studies.value = withItem(studies.value ?? [], message.study);
  else if (message.type === 'strangers') strangers.value = message.strangers;
  else devices.value = (devices.value ?? []).filter(({ id }) => id !== message.id);
}

/** Replaces the item with the same id in its place, or adds it at the end. */
function withItem<T extends { id: string }>(items: readonly T[], item: T): T[] {
  return items.some(({ id }) => id === item.id)
    ? items.map((old) => (old.id === item.id ? item : old))
    : [...items, item];
}
