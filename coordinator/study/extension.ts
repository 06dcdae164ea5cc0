/** What a study that has ended may be extended by, and why not by more. */
import type { DeviceView } from '@edgetune/shared/domain/device.ts';
import type { StudyDevice, StudyEventBody } from '@edgetune/shared/domain/study-event.ts';
import type { extendStudyRequestSchema } from '@edgetune/shared/protocol/http.ts';
import type { z } from 'zod';
import type { CheckedStudySpec } from './context/study-context.ts';
import { unmeasurable } from './unmeasurable.ts';

export type Extension = z.infer<typeof extendStudyRequestSchema>;
type Extended = Extract<StudyEventBody, { type: 'study-extended' }>;
type Member = Pick<DeviceView, 'id' | 'name' | 'board'>;

/** The study as it is from then on. */
export function extendedSpec(
  spec: CheckedStudySpec,
  { trials = spec.stop.trials, deviceIds = {} }: Pick<Extended, 'trials' | 'deviceIds'>,
): CheckedStudySpec {
  const devices = [...spec.devices, ...Object.keys(deviceIds)];
  return { ...spec, stop: { ...spec.stop, trials }, devices };
}

/** A study, and the fleet as it is. */
export interface Extendable {
  id: string;
  spec: CheckedStudySpec;
  /** Its own. */
  devices: readonly Pick<StudyDevice, 'device' | 'deviceId'>[];
  /** All of the fleet. */
  members: readonly Member[];
}

/** What happens to the study; a text where it cannot be: why, and what can. */
export function extensionOf(study: Extendable, { trials, epochs, devices: names = [] }: Extension): Extended | string {
  const { id, spec, members } = study;
  const instead = `start a new study with "from: ${id}", which begins with what this one knows`;
  const { mode } = spec.tuner;
  if (epochs !== undefined)
    return `another budget makes other rungs than those at which its trials were compared; ${instead}`;
  if (mode === 'hierarchical' || mode === 'top-k-after-one-epoch')
    return `the mode ${mode} goes through phases that are over; ${instead}`;
  if (trials === undefined && names.length === 0)
    return `say how many trials it may start in all, more than ${spec.stop.trials}, or which other devices it is for`;
  if (trials !== undefined && trials <= spec.stop.trials)
    return `it may start ${spec.stop.trials} trials already: name more in all, not ${trials}`;
  if (names.length > 0 && mode === 'hyperpower')
    return `the mode hyperpower has learned to predict its devices from its first trials, and knows nothing of ${names.join(', ')}; ${instead}`;
  const mistakes = [...new Set(names)].flatMap((name) => whyNotAdded(study, name) ?? []);
  if (mistakes.length > 0) return mistakes.join('; ');
  const deviceIds = Object.fromEntries(
    members.filter(({ name }) => names.includes(name)).map(({ name, id: deviceId }) => [name, deviceId]),
  );
  return {
    type: 'study-extended',
    ...(trials === undefined ? {} : { trials }),
    ...(names.length > 0 ? { deviceIds } : {}),
  };
}

function whyNotAdded({ spec, devices, members }: Extendable, name: string): string | null {
  const member = members.find((each) => each.name === name);
  const own = devices.find(({ device, deviceId }) => device === name || deviceId === member?.id);
  if (own) return `${name} is a device of the study already${own.device === name ? '' : `, as ${own.device}`}`;
  if (!member)
    return `the fleet has no device "${name}": it has ${members.map((each) => each.name).join(', ') || 'none'}`;
  if (!member.board) return `${name} has not joined the fleet yet: what it can measure is not known`;
  // A limit on one device says nothing of another: those on all are its own, too.
  const [mistake] = unmeasurable({ ...spec, devices: [name] }, [{ name, board: member.board }]);
  return mistake ? mistake.message : null;
}
