/** `edgetune serve`: the coordinator itself. */
import { createLogger, LOG_FORMATS } from '@edgetune/shared/log/create-logger.ts';
import { LOG_LEVELS } from '@edgetune/shared/log/logger.ts';
import { type Command, Option } from 'commander';
import { EXIT } from './context.ts';

export function registerServe(program: Command): void {
  program
    .command('serve')
    .description('Start the coordinator: tuner, broker, API and dashboard.')
    .option('--data-dir <folder>', 'where studies, models and measurements are kept')
    .option('--host <address>', 'address to listen on; any but loopback needs --admin-token')
    .option('--port <n>', 'HTTP port (default 8080)')
    .option('--mqtt-port <n>', 'MQTT port (default 1883)')
    .option(
      '--strangers-per-address <n>',
      'connections of one address that may be open before they log in to MQTT (default 32)',
    )
    .option('--broker-url <url>', 'an external MQTT broker instead of the embedded one')
    .option('--admin-token <token>', 'what clients must present')
    .option('--tls <self-signed>', 'encrypt HTTP and MQTT with a key of its own, kept in the data directory')
    .option('--tls-cert <file>', 'encrypt with this certificate (PEM, its chain after it) …')
    .option('--tls-key <file>', '… and its private key (PEM)')
    .option('--public-url <url>', 'base URL under which boards reach this coordinator')
    .option('--training-cores <n>', 'cores that training may use (default: all)')
    .option('--blob-quota-bytes <n>', 'disk space for models and checkpoints (default 10 GB)')
    .addOption(
      new Option('--log-level <level>', 'what is logged, and what matters more (default: info)').choices(LOG_LEVELS),
    )
    .addOption(
      new Option('--log-format <format>', 'as lines for people (default) or for programs').choices(LOG_FORMATS),
    )
    .option('--config <file>', 'settings as YAML (default: edgetune.yaml in the data directory)')
    .addHelpText(
      'after',
      '\nEvery setting can also be given by the environment (EDGETUNE_PORT, EDGETUNE_DATA_DIR, …).\n\nExamples:\n  edgetune serve\n  edgetune serve --host 0.0.0.0 --tls self-signed --admin-token "$(openssl rand -hex 24)"',
    )
    .action(async ({ config: file, ...flags }: Record<string, string>) => {
      const { loadConfig } = await import('../../config/config.ts');
      const { startCoordinator } = await import('../../main.ts');
      const { surviveUnforeseen } = await import('../../lifecycle/unforeseen.ts');
      const { ensureDashboard } = await import('../ensure-dashboard.ts');
      const config = loadConfig(flags, process.env, file);
      const log = createLogger({
        level: config.logLevel,
        format: config.logFormat,
        write: (text) => console.log(text),
      });
      await ensureDashboard(log);
      const coordinator = await startCoordinator({ config, log });
      log.info(`EdgeTune is at ${coordinator.url} (data in ${config.dataDir}); Ctrl-C ends it`);
      if (coordinator.tlsPin)
        log.info(`for commands: export EDGETUNE_SERVER=${coordinator.url} EDGETUNE_PIN=${coordinator.tlsPin}`);
      const end = async (code: number) => {
        log.info('ending: running studies go on at the next start');
        await coordinator.close();
        process.exit(code);
      };
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void end(0));
      surviveUnforeseen({ source: process, say: log.error, end: () => void end(EXIT.failed) });
      // Whoever reads the log may go away.
      for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
    });
}
