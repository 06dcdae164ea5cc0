/** What a study that has ended may be extended by, and why not by more. */
import type { DeviceView } from '@edgetune/shared/domain/device.ts';
import type { StudyDevice, StudyEventBody } from '@edgetune/shared/domain/study-event.ts';
import { EXTENDABLE } from '@edgetune/shared/domain/study-extension.ts';
import { formatQuantity } from '@edgetune/shared/domain/units.ts';
import type { extendStudyRequestSchema, Spent } from '@edgetune/shared/protocol/http.ts';
import type { z } from 'zod';
import { planOf } from '../tuner/mode.ts';
import { problemOf } from '../tuner/problem-of.ts';
import type { TunerExtension } from '../tuner/tuner.ts';
import type { CheckedStudySpec } from './context/study-context.ts';
import { unmeasurable } from './unmeasurable.ts';

export type Extension = z.infer<typeof extendStudyRequestSchema>;
export type Extended = Extract<StudyEventBody, { type: 'study-extended' }>;
type Member = Pick<DeviceView, 'id' | 'name' | 'board'>;

/** The study as it is from then on. */
export function extendedSpec(
  spec: CheckedStudySpec,
  { trials = spec.stop.trials, epochs, timeS, energyJ, deviceIds = {} }: Omit<Extended, 'type'>,
): CheckedStudySpec {
  const { budget, stop } = spec;
  const through = [...(budget.throughEpochs ?? []), budget.maxEpochs];
  return {
    ...spec,
    stop: { ...stop, trials, ...(timeS === undefined ? {} : { timeS }), ...(energyJ === undefined ? {} : { energyJ }) },
    budget: epochs === undefined ? budget : { ...budget, maxEpochs: epochs, throughEpochs: through },
    devices: [...spec.devices, ...Object.keys(deviceIds)],
  };
}

/** What its tuner goes on with; null: with what it has. */
export function tunerExtension(spec: CheckedStudySpec, extended: Extended): TunerExtension | null {
  if (!goesOn(extended)) return null;
  const { budget, stop } = extendedSpec(spec, extended);
  const { trials: maxTrials, epochs, timeS, energyJ } = extended;
  return {
    maxTrials,
    ...(epochs === undefined ? {} : { ladder: budget }),
    ...(timeS === undefined && energyJ === undefined ? {} : { stop: { timeS: stop.timeS, energyJ: stop.energyJ } }),
  };
}

/** Whether there is more to search, and not only other devices to ask. */
function goesOn(extension: Extension | Extended): boolean {
  return EXTENDABLE.some((name) => extension[name] !== undefined);
}

/** A study, and the fleet as it is. */
export interface Extendable {
  id: string;
  spec: CheckedStudySpec;
  spent: Spent;
  /** Its own. */
  devices: readonly Pick<StudyDevice, 'device' | 'deviceId'>[];
  /** All of the fleet. */
  members: readonly Member[];
}

/** What happens to the study; a text where it cannot be: why, and what can. */
export function extensionOf(study: Extendable, asked: Extension): Extended | string {
  const { id, spec, members } = study;
  const { devices: names = [], ...more } = asked;
  const instead = `start a new study with "from: ${id}", which begins with what this one knows`;
  const { mode } = spec.tuner;
  if (mode === 'hierarchical' || mode === 'top-k-after-one-epoch')
    return `the mode ${mode} goes through phases that are over; ${instead}`;
  if (!goesOn(more) && names.length === 0)
    return `say how many trials it may start in all, more than ${spec.stop.trials}, for how many epochs its highest rung trains, more than ${spec.budget.maxEpochs}, how much time or energy it may take where it has limits of these, or which other devices it is for`;
  if (names.length > 0 && mode === 'hyperpower')
    return `the mode hyperpower has learned to predict its devices from its first trials, and knows nothing of ${names.join(', ')}; ${instead}`;
  const mistakes = [
    ...whyNotMore(study, more),
    ...[...new Set(names)].flatMap((name) => whyNotAdded(study, name) ?? []),
  ];
  if (mistakes.length > 0) return mistakes.join('; ');
  const deviceIds = Object.fromEntries(
    members.filter(({ name }) => names.includes(name)).map(({ name, id: deviceId }) => [name, deviceId]),
  );
  return {
    type: 'study-extended',
    ...more,
    ...(names.length > 0 ? { deviceIds } : {}),
  };
}

/** Each is counted in all: what it has done, and what its limits leave it already, is no more. */
function whyNotMore({ spec, spent }: Extendable, { trials, epochs, timeS, energyJ }: Extension): string[] {
  const { stop } = spec;
  const mistakes: string[] = [];
  if (trials !== undefined && trials <= stop.trials)
    mistakes.push(`it may start ${stop.trials} trials already: name more in all, not ${trials}`);
  const top = planOf(problemOf(spec)).budgets.at(-1)?.epochs ?? spec.budget.maxEpochs;
  if (epochs !== undefined && epochs <= top)
    mistakes.push(`its highest rung trains for ${top} epochs already: name more in all, not ${epochs}`);
  const time = { name: 'time', key: 'stop.timeS', write: (seconds: number) => formatQuantity(seconds * 1000, 'time') };
  const energy = { name: 'energy', key: 'stop.energyJ', write: (joules: number) => formatQuantity(joules, 'energy') };
  mistakes.push(...whyNoLonger(time, { asked: timeS, limit: stop.timeS, used: spent.seconds }));
  mistakes.push(...whyNoLonger(energy, { asked: energyJ, limit: stop.energyJ, used: spent.joules }));
  return mistakes;
}

function whyNoLonger(
  { name, key, write }: { name: string; key: string; write(value: number): string },
  { asked, limit, used }: { asked: number | undefined; limit: number | undefined; used: number },
): string[] {
  if (asked === undefined) return [];
  if (limit === undefined) return [`it has no limit of ${name} (${key}) that could be raised`];
  const least = Math.max(limit, used);
  if (asked > least) return [];
  const has = used > limit ? `it has taken ${write(used)}` : `it may take ${write(limit)}`;
  return [`${has} already: name more ${name} in all, not ${write(asked)}`];
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
