/** What a study asks of devices that they have no means to measure: told before anything is trained. */
import type { DeviceView } from '@edgetune/shared/domain/device.ts';
import { METRICS } from '@edgetune/shared/domain/objective.ts';
import type { StudySpec } from '@edgetune/shared/domain/study.ts';

type Member = Pick<DeviceView, 'name' | 'board'>;
type Asked = Pick<StudySpec, 'objectives' | 'constraints' | 'devices'> & { stop: Pick<StudySpec['stop'], 'target'> };

/** Metrics for which a board needs a power meter. */
const OF_METERS = ['energy', 'power'];

/**
 * A mistake for each objective, limit and target on energy or power, with the devices that have no meter; of a device that
 * has not joined yet nobody knows.
 * @param members by the names that they have in the study
 */
export function unmeasurable(
  spec: Asked,
  members: readonly Member[],
): { path: (string | number)[]; message: string }[] {
  const lists = [
    { path: ['objectives'], list: spec.objectives },
    { path: ['constraints'], list: spec.constraints },
    { path: ['stop', 'target'], list: spec.stop.target },
  ];
  return lists.flatMap(({ path, list }) =>
    list.flatMap(({ metric, device }, index) => {
      if (!OF_METERS.includes(METRICS[metric]?.ratio?.ofDevice ?? metric)) return [];
      const without = members.filter(
        ({ name, board }) =>
          spec.devices.includes(name) &&
          (device === undefined || device === name) &&
          board !== null &&
          board.powerMeter === null,
      );
      if (without.length === 0) return [];
      const names = without.map(({ name }) => name).join(', ');
      const message = `${metric} cannot be measured on ${names}: no power meter that the agent can read; leave it out, say it "on" a device that has one, or give the board a meter or a smart plug (edgetune-agent doctor)`;
      return [{ path: [...path, index], message }];
    }),
  );
}
