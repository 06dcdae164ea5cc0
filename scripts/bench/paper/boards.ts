/** Simulated boards on the simulated clock: each measures one thing at a time, and what it costs is booked. */
import { randomUUID } from 'node:crypto';
import { boardProfileNamed } from '@edgetune/shared/costmodel/board-profiles.ts';
import { type DeviceView, deviceClassOf } from '@edgetune/shared/domain/device.ts';
import type { Measurement } from '@edgetune/shared/domain/measurement.ts';
import { createSimulatedBoard } from '../../../agent/simulated/simulated-board.ts';
import type { Fleet } from '../../../coordinator/fleet/fleet.ts';
import type { BlobStore } from '../../../coordinator/study/context/blob-store.ts';
import type { Timeline } from './timeline.ts';

/** By the names under which the studies know them. */
export const BOARDS = { 'pi-4': 'raspberry-pi-4', nano: 'jetson-nano' };

export interface Boards {
  fleet: Pick<Fleet, 'devices' | 'subscribe' | 'measure'>;
  /** What measuring has cost so far. */
  cost(): { deviceSeconds: number; deviceJoules: number; measurements: number };
}

export function simulatedBoards(timeline: Timeline, blobs: Pick<BlobStore, 'get'>): Boards {
  const cost = { deviceSeconds: 0, deviceJoules: 0, measurements: 0 };
  const boards = Object.entries(BOARDS).map(([name, profile], index) => {
    const board = createSimulatedBoard({ profile: boardProfileNamed(profile), timeScale: 0 });
    const device: DeviceView = {
      id: `d-${String(index + 1).padStart(12, '0')}`,
      name,
      presence: 'online',
      board: board.describe(),
      deviceClass: deviceClassOf(board.describe()),
      addedAt: '',
      lastSeenAt: null,
      onCoordinatorHost: false,
      runningJobs: 0,
      queuedJobs: 0,
    };
    return { board, device, free: Promise.resolve() };
  });
  const book = ({ deviceSeconds, deviceJoules }: Measurement['cost'], share: number) => {
    cost.deviceSeconds += share * deviceSeconds;
    cost.deviceJoules += share * (deviceJoules ?? 0);
    cost.measurements++;
  };
  const measure: Fleet['measure'] = async (deviceId, request, { signal, studyId }) => {
    const entry = boards.find(({ device }) => device.id === deviceId);
    if (!entry) throw new Error(`no board ${deviceId}`);
    const before = entry.free;
    let release = () => {};
    entry.free = new Promise((resolve) => {
      release = resolve;
    });
    try {
      await before;
      signal.throwIfAborted();
      const measurement = await entry.board.measure(request, await blobs.get(request.modelSha256), signal);
      const startS = timeline.now;
      const { deviceSeconds } = measurement.cost;
      // Who is given up in the middle has cost what passed until then.
      await timeline
        .sleep(deviceSeconds, signal)
        .finally(() => book(measurement.cost, Math.min(1, (timeline.now - startS) / deviceSeconds)));
      return { ...measurement, id: `m-${randomUUID()}`, deviceId, deviceName: entry.device.name, studyId };
    } finally {
      release();
    }
  };
  return {
    fleet: { devices: () => boards.map(({ device }) => device), subscribe: () => () => {}, measure },
    cost: () => ({ ...cost }),
  };
}
