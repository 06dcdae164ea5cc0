/** What a bench or a calibration is asked for. */
import { contradictingObjectives, excludedLimits } from '@edgetune/shared/domain/contradictions.ts';
import type { BoardDescription, DeviceView } from '@edgetune/shared/domain/device.ts';
import { BENCH_METRICS } from '@edgetune/shared/domain/metric-list.ts';
import { senselessLimit } from '@edgetune/shared/domain/metric-reach.ts';
import { formatConstraint, formatObjective } from '@edgetune/shared/domain/objective.ts';
import type { BenchRequest } from '@edgetune/shared/protocol/bench.ts';

/** A bench or a calibration cannot start: which input, and what to do. */
export class InferenceInputError extends Error {
  override name = 'InferenceInputError';
}

export type JoinedDevice = DeviceView & { board: BoardDescription };

/** A device whose board is known. @throws {InferenceInputError} where there is none of that name, or it has not joined */
export function joined(name: string, device: DeviceView | null): JoinedDevice {
  if (!device) throw new InferenceInputError(`there is no device "${name}": "edgetune device list" shows the fleet`);
  if (!device.board)
    throw new InferenceInputError(`${name} has not joined yet: run the command of "edgetune device add" on it`);
  return device as JoinedDevice;
}

/** @throws {InferenceInputError} where an objective or a constraint is of what a bench cannot tell, of another device, or makes no sense */
export function refuseUnjudgeable({ objectives, constraints, devices }: BenchRequest): void {
  const wishes = [
    ...objectives.map((objective) => ({ ...objective, text: formatObjective(objective) })),
    ...constraints.map((constraint) => ({ ...constraint, text: formatConstraint(constraint) })),
  ];
  const known = BENCH_METRICS.map(({ name }) => name);
  for (const { metric, device, text } of wishes) {
    if (!known.includes(metric))
      throw new InferenceInputError(
        `"${text}": a bench trains nothing and compares ways to run one file; it knows ${known.join(', ')}`,
      );
    if (device !== undefined && !devices.includes(device))
      throw new InferenceInputError(`"${text}": ${device} is not one of the bench's devices (${devices.join(', ')})`);
  }
  const [senseless] = constraints.flatMap((constraint) => senselessLimit(constraint) ?? []);
  const [contradiction] = contradictingObjectives(objectives, devices);
  const [excluded] = excludedLimits(constraints);
  const named = <T>(list: readonly T[], format: (each: T) => string, index: number) => `"${format(list[index] as T)}"`;
  if (senseless !== undefined) throw new InferenceInputError(senseless);
  if (contradiction)
    throw new InferenceInputError(
      `${named(objectives, formatObjective, contradiction.index)} ${contradiction.message}`,
    );
  if (excluded)
    throw new InferenceInputError(`${named(constraints, formatConstraint, excluded.index)} ${excluded.message}`);
}
