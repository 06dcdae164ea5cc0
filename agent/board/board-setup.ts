/** How the user wants this board to be measured, and the door to it. */
import { type Logger, plainLogger } from '@edgetune/shared/log/logger.ts';
import { RejectedError } from '../rejected-error.ts';
import { type Change, ControlJournal } from './controls/control-journal.ts';
import { pinClock, settableClocksKHz } from './controls/cpu-clock.ts';
import { switchPowerMode } from './controls/power-mode.ts';
import { steadyClocks } from './controls/steady-clocks.ts';
import { type Host, HostError } from './host.ts';
import { type FindMeter, METERS } from './power/find-meters.ts';
import type { PlugAddress } from './power/plug-address.ts';
import { systemHost } from './system-host.ts';
import { type FindWarning, WARNINGS } from './warnings/find-warnings.ts';

/** A clock, governor or power mode that the board does not take or this agent may not set; the message says which. */
export class NotSettableError extends RejectedError {
  override name = 'NotSettableError';
}

export interface BoardSetup {
  host: Host;
  /** The smart plug that the board is connected to. */
  plug: PlugAddress | null;
  /** What is looked for on it. */
  finders: { meters: readonly FindMeter[]; warnings: readonly FindWarning[] };
  /** Jetson: the power mode to measure in, by name; null: the one it is in. */
  powerMode: string | null;
  /** Whether the clocks are kept at their highest while measuring, where no clock is asked for. */
  steadyClocks: boolean;
  /** Other programs may run meanwhile; their load is reported and makes no measurement invalid. */
  toleratesLoad: boolean;
  /** Where changes of the board are written down; null: the agent changes nothing on this board. */
  controls: { journal: ControlJournal; folder: string } | null;
}

export interface BoardOptions {
  host?: Host | undefined;
  plug?: PlugAddress | null | undefined;
  /** Absent: every meter and warning that this agent knows. */
  finders?: Partial<BoardSetup['finders']> | undefined;
  powerMode?: string | null | undefined;
  steadyClocks?: boolean | undefined;
  toleratesLoad?: boolean | undefined;
  /** The agent's data directory; absent: the agent changes nothing on this board. */
  dataDirectory?: string | undefined;
  /** Told what could not be set back on the board; absent: it goes to the standard error. */
  log?: Logger | undefined;
}

export function boardSetup(options: BoardOptions = {}): BoardSetup {
  const { dataDirectory: folder, log = plainLogger(console.error) } = options;
  return {
    host: options.host ?? systemHost(),
    plug: options.plug ?? null,
    finders: { meters: METERS, warnings: WARNINGS, ...options.finders },
    powerMode: options.powerMode ?? null,
    steadyClocks: options.steadyClocks ?? false,
    toleratesLoad: options.toleratesLoad ?? false,
    controls:
      folder === undefined ? null : { journal: new ControlJournal(`${folder}/board-controls.json`, log), folder },
  };
}

/** Clocks that a measurement on this board may ask for. */
export function offeredClocksKHz({ host, controls }: BoardSetup): number[] {
  return controls ? settableClocksKHz(host) : [];
}

/** In words: the mode that measurements are made in, and whether clocks are kept steady; both make a class of its own. */
export function powerModeOf({ powerMode, steadyClocks, controls }: BoardSetup, current: string | null): string | null {
  const mode = (controls && powerMode) ?? current;
  const steady = controls && steadyClocks ? 'steady clocks' : null;
  return [mode, steady].filter((part) => part !== null).join(', ') || null;
}

/**
 * Brings the board into the state that is asked for, does the work, and sets everything back.
 * @throws {NotSettableError} where the board does not take it, or this agent may not set it
 */
export async function withControls<T>(setup: BoardSetup, clockKHz: number | null, work: () => Promise<T>): Promise<T> {
  const { host, controls } = setup;
  if (!controls) return work();
  let isSet = false;
  const settled = () => {
    isSet = true;
    return work();
  };
  try {
    const power = setup.powerMode === null ? null : await switchPowerMode(host, setup.powerMode);
    return await controls.journal.during(host, power ? [power] : [], async () => {
      // The modes have clocks of their own: they are looked at in the mode.
      const clocks: Change[] = [];
      if (clockKHz !== null) clocks.push(pinClock(host, clockKHz));
      else if (setup.steadyClocks) clocks.push(await steadyOrThrow(host, controls.folder));
      return controls.journal.during(host, clocks, settled);
    });
  } catch (error) {
    // What the work itself threw is none of our business.
    if (isSet || !(error instanceof HostError || error instanceof RangeError)) throw error;
    throw new NotSettableError(`this board cannot be set as asked: ${error.message}`, { cause: error });
  }
}

async function steadyOrThrow(host: Host, folder: string): Promise<Change> {
  const change = await steadyClocks(host, `${folder}/jetson-clocks.conf`);
  if (!change) throw new RangeError('this agent may set neither jetson_clocks nor the governor');
  return change;
}
