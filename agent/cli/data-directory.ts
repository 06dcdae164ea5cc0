/** Where the agent keeps what it must not lose: `--data-dir`, else EDGETUNE_AGENT_DATA_DIR, else the user's data folder. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';

const DEFAULT_DATA_DIRECTORY =
  process.env.EDGETUNE_AGENT_DATA_DIR ??
  join(process.env.XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'edgetune-agent');

/** All that the agent puts there. */
export const DATA_ENTRIES = [
  'enrolment.json',
  'agent.sock',
  'outbox',
  'removed',
  'jobs',
  'models',
  'board-controls.json',
  'jetson-clocks.conf',
] as const;

export function withDataDirectory(command: Command): Command {
  return command.option(
    '--data-dir <folder>',
    'where the credential, cached models and undelivered results are kept',
    DEFAULT_DATA_DIRECTORY,
  );
}
