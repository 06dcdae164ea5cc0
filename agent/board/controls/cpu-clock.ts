/**
 * The clock of the cores by cpufreq (https://docs.kernel.org/admin-guide/pm/cpufreq.html). A clock is pinned by making it
 * both the lower and the upper limit: every governor then has one choice, and `scaling_setspeed` (which needs the
 * governor `userspace`) is not needed.
 */
import { clockPolicies } from '../conditions.ts';
import { type Host, HostError, readNumber, readText } from '../host.ts';
import type { Change } from './control-journal.ts';

const LIMITS = ['scaling_min_freq', 'scaling_max_freq'] as const;

/**
 * Clocks that every core can be pinned to, in kHz, ascending. Drivers without a table (intel_pstate, amd-pstate) take any
 * clock in their range, of which the lowest and the base clock hold whatever the load; turbo clocks do not.
 * @returns none where this user may not set them
 */
export function settableClocksKHz(host: Host): number[] {
  const policies = clockPolicies(host);
  if (
    policies.length === 0 ||
    !policies.every((policy) => LIMITS.every((limit) => host.canWrite(`${policy}/${limit}`)))
  )
    return [];
  const [first = [], ...others] = policies.map((policy) => clocksOf(host, policy));
  return first.filter((clock) => others.every((clocks) => clocks.includes(clock))).sort((a, b) => a - b);
}

function clocksOf(host: Host, policy: string): number[] {
  const table = readText(host, `${policy}/scaling_available_frequencies`);
  const clocks = table
    ? table.split(/\s+/).map(Number)
    : ['cpuinfo_min_freq', 'base_frequency'].map((name) => readNumber(host, `${policy}/${name}`) ?? 0);
  return [...new Set(clocks)].filter((clock) => Number.isInteger(clock) && clock > 0);
}

/** Pins all cores to one of `settableClocksKHz`. */
export function pinClock(host: Host, clockKHz: number): Change {
  const policies = clockPolicies(host);
  return {
    undo: policies.flatMap((policy) =>
      LIMITS.map((limit) => ({
        kind: 'write' as const,
        path: `${policy}/${limit}`,
        text: host.read(`${policy}/${limit}`),
      })),
    ),
    async apply() {
      for (const policy of policies) setLimits(host, policy, clockKHz);
    },
  };
}

function setLimits(host: Host, policy: string, clockKHz: number): void {
  const now = readNumber(host, `${policy}/scaling_min_freq`) ?? 0;
  // The lower limit may at no moment be above the upper one.
  const order = clockKHz >= now ? [...LIMITS].reverse() : LIMITS;
  for (const limit of order) host.write(`${policy}/${limit}`, String(clockKHz));
  const taken = LIMITS.map((limit) => readNumber(host, `${policy}/${limit}`));
  if (taken.some((limit) => limit !== clockKHz))
    throw new HostError('failed', `${policy} took ${taken.join(' to ')} kHz instead of ${clockKHz} kHz`);
}

/** Whether the governor can be set to `performance`. */
export function canSetGovernor(host: Host): boolean {
  const policies = clockPolicies(host);
  return (
    policies.length > 0 &&
    policies.every(
      (policy) =>
        host.canWrite(`${policy}/scaling_governor`) &&
        (readText(host, `${policy}/scaling_available_governors`) ?? '').split(/\s+/).includes('performance'),
    )
  );
}

/** Has every core run at the highest clock that its limits allow. */
export function performanceGovernor(host: Host): Change {
  const paths = clockPolicies(host).map((policy) => `${policy}/scaling_governor`);
  return {
    undo: paths.map((path) => ({ kind: 'write', path, text: host.read(path) })),
    async apply() {
      for (const path of paths) host.write(path, 'performance');
    },
  };
}
