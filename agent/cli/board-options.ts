/** How this board is to be measured, as options of a command. */
import { type Command, Option } from 'commander';
import type { BoardOptions } from '../board/board-setup.ts';
import { parsePlugAddress } from '../board/power/plug-address.ts';

/** Options of commands that only look at the board, too. */
export function withPlugOption(command: Command): Command {
  return command.addOption(
    new Option(
      '--power-plug <address>',
      'smart plug that the board is plugged into: tasmota://BROKER:1883/TOPIC or shelly://ADDRESS',
    )
      .env('EDGETUNE_AGENT_POWER_PLUG')
      .argParser((text) => {
        try {
          return parsePlugAddress(text);
        } catch (error) {
          // Commander's own complaint would repeat what was written, and a password with it.
          command.error(`error: option '--power-plug <address>': ${(error as Error).message}`);
        }
      }),
  );
}

export function withMeasuringOptions(command: Command): Command {
  return withPlugOption(command).option(
    '--tolerate-load',
    'measure also while other programs keep the cores busy (their load is reported)',
  );
}

export function withControlOptions(command: Command): Command {
  return withMeasuringOptions(command).addOption(
    new Option(
      '--steady-clocks',
      'keep the clocks at their highest while measuring: jetson_clocks, or the governor performance',
    ).env('EDGETUNE_AGENT_STEADY_CLOCKS'),
  );
}

/** @param options as commander gives them for the options above */
export function boardOptionsOf(
  options: Record<string, unknown>,
): Pick<BoardOptions, 'plug' | 'toleratesLoad' | 'steadyClocks' | 'powerMode'> {
  return {
    plug: options.powerPlug as BoardOptions['plug'],
    toleratesLoad: options.tolerateLoad === true,
    steadyClocks: options.steadyClocks === true,
    powerMode: options.powerMode as string | undefined,
  };
}
