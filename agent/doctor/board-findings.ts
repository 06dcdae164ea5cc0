/** What this board can measure and control, and what is missing for more. */
import type { BoardDescription } from '@edgetune/shared/domain/device.ts';
import { formatQuantity } from '@edgetune/shared/domain/units.ts';
import { type BoardSetup, offeredClocksKHz } from '../board/board-setup.ts';
import { HostError } from '../board/host.ts';
import { findMeters } from '../board/power/find-meters.ts';
import type { MeterCoverage, PowerMeter } from '../board/power/power-meter.ts';
import { type BoardProbe, probeBoard } from '../board/probe-board.ts';
import { describeBoard } from '../this-machine/describe-board.ts';
import { bad, type Finding, good, missing } from './finding.ts';

const SEES: Record<MeterCoverage, string> = {
  board: 'the board',
  processor: 'the processor only, not the board',
  wall: 'what the supply takes from the wall',
};

export async function boardFindings(setup: BoardSetup): Promise<Finding[]> {
  const { host, plug, finders } = setup;
  const probe = await probeBoard(host, plug, finders);
  const board = await describeBoard(setup, { probed: probe });
  const [meter] = await findMeters(host, plug, finders.meters);
  return [
    good('board', `${board.model}, ${board.cpuModel}, ${board.physicalCores} cores, ${board.os}`),
    ...board.runtimes.map(runtimeFinding),
    ...(meter ? [await meterFinding(meter)] : []),
    ...(probe.warnings.length > 0
      ? [good('warnings', `the board tells when it is ${probe.warnings.join(' or ')}`)]
      : []),
    ...controlFindings(setup, probe),
    ...(board.missing ?? []).map(({ what, why, how }) => missing(what, why, how)),
  ];
}

function runtimeFinding({
  runner,
  version,
  executionProviders,
  precisions,
}: BoardDescription['runtimes'][number]): Finding {
  return good('runner', `${runner} ${version}: ${executionProviders.join(', ')}; ${precisions.join(', ')}`);
}

/** Reads it once: a plug may be out of reach. */
async function meterFinding(meter: PowerMeter): Promise<Finding> {
  try {
    const open = await meter.open();
    try {
      const now = await open.read();
      const reading = meter.kind === 'power' ? `, now ${formatQuantity(now, 'power')}` : '';
      const windows = meter.leastWindowMs >= 1000 ? `, windows of ${meter.leastWindowMs / 1000} s or more` : '';
      return good('power', `${meter.name}: ${SEES[meter.covers]}${windows}${reading}`);
    } finally {
      await open.close();
    }
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    return bad('power', `${meter.name} does not answer: ${error.message}`, 'is it on, and its address right?');
  }
}

function controlFindings(setup: BoardSetup, { powerMode, powerModes, steadyClocksBy }: BoardProbe): Finding[] {
  const clocks = offeredClocksKHz(setup);
  const [lowest, highest] = [clocks[0], clocks.at(-1)];
  return [
    ...(lowest !== undefined && highest !== undefined
      ? [
          good(
            'clocks',
            `${clocks.length} can be set, ${formatQuantity(lowest, 'clock')} to ${formatQuantity(highest, 'clock')}`,
          ),
        ]
      : []),
    ...(steadyClocksBy ? [good('steady clocks', `by ${steadyClocksBy} (--steady-clocks)`)] : []),
    ...(powerMode ? [good('power mode', [powerMode.name, ...othersOf(powerMode.name, powerModes)].join('; '))] : []),
  ];
}

function othersOf(current: string, modes: BoardProbe['powerModes']): string[] {
  const others = modes.map(({ name }) => name).filter((name) => name !== current);
  return others.length > 0 ? [`--power-mode also takes ${others.join(', ')}`] : [];
}
