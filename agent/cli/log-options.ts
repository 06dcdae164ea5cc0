/** What the agent says on the standard output while it runs, as options of a command. */
import { createLogger, LOG_FORMATS, type LogFormat } from '@edgetune/shared/log/create-logger.ts';
import { LOG_LEVELS, type Logger, type LogLevel } from '@edgetune/shared/log/logger.ts';
import { type Command, Option } from 'commander';

export function withLogOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--log-level <level>', 'what is logged, and what matters more')
        .choices(LOG_LEVELS)
        .default('info')
        .env('EDGETUNE_AGENT_LOG_LEVEL'),
    )
    .addOption(
      new Option('--log-format <format>', 'lines for people, or JSON objects for programs')
        .choices(LOG_FORMATS)
        .default('text')
        .env('EDGETUNE_AGENT_LOG_FORMAT'),
    );
}

/** @param options as commander gives them for the options above */
export function loggerOf({ logLevel, logFormat }: { logLevel: LogLevel; logFormat: LogFormat }): Logger {
  return createLogger({ level: logLevel, format: logFormat, write: (text) => console.log(text) });
}
