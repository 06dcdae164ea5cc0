/** The coordinator's settings: flags over environment over file over defaults, all checked at once. */
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism, homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { mistakeText, readYaml } from '@edgetune/shared/domain/read-yaml.ts';
import { mistakesInLine } from '@edgetune/shared/domain/schema-mistakes.ts';
import { LOG_FORMATS } from '@edgetune/shared/log/create-logger.ts';
import { LOG_LEVELS } from '@edgetune/shared/log/logger.ts';
import { z } from 'zod';

/** Flags and the environment give text, a file numbers; nothing else (not an empty text, not `null`) is a number. */
const number = (schema: z.ZodNumber) =>
  z.preprocess((given) => (typeof given === 'string' && given.trim() !== '' ? Number(given) : given), schema);
const port = number(z.int().min(0).max(65_535));

export const configSchema = z.strictObject({
  /** Where the store, models and checkpoints lie. */
  dataDir: z
    .string()
    .min(1)
    .default(join(process.env.XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'edgetune')),
  /** Address to listen on. Any but loopback needs an admin token. */
  host: z.string().min(1).default('127.0.0.1'),
  /** HTTP: dashboard, API, and MQTT over WebSocket under /mqtt. */
  port: port.default(8080),
  /** MQTT over TCP. */
  mqttPort: port.default(1883),
  /** Connections of one address that may be open at the embedded broker and have not logged in: raise it where many boards share one. */
  strangersPerAddress: number(z.int().min(1).max(256)).default(32),
  /** An external MQTT broker instead of the embedded one. */
  brokerUrl: z.url({ protocol: /^(mqtts?|wss?)$/ }).optional(),
  /** What clients of the API must present, at least 16 characters. */
  adminToken: z.string().min(16, 'an admin token has at least 16 characters').optional(),
  /** With `self-signed` HTTP and MQTT are encrypted with a key that is made at the first start and kept in the data directory. */
  tls: z.enum(['off', 'self-signed']).default('off'),
  /** PEM files of a certificate and its private key, instead. */
  tlsCert: z.string().min(1).optional(),
  tlsKey: z.string().min(1).optional(),
  /** Public base URL that agents shall use, where it is not http://HOST:PORT. */
  publicUrl: z.url({ protocol: /^https?$/ }).optional(),
  /** Cores that training may use. */
  trainingCores: number(z.int().min(1)).default(availableParallelism()),
  /** Bytes that models and checkpoints may take on the disk. */
  blobQuotaBytes: number(z.int().min(1e6)).default(10e9),
  /** What is logged: this and what matters more; with `debug` the stacks of errors too. */
  logLevel: z.enum(LOG_LEVELS).default('info'),
  /** One line for people or, with `json`, one JSON object a line for programs. */
  logFormat: z.enum(LOG_FORMATS).default('text'),
});
export type Config = z.infer<typeof configSchema>;
export type ConfigInput = Partial<Record<keyof Config, unknown>>;

/** Settings that cannot be used: the message lists every mistake. */
export class ConfigError extends Error {
  override name = 'ConfigError';
}

/** EDGETUNE_DATA_DIR and the like. */
export function environmentName(key: string): string {
  return `EDGETUNE_${key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

/**
 * @param flags what was given on the command line; undefined values were not
 * @param configFile path of a YAML file; absent: `edgetune.yaml` in the data directory, where there is one
 * @throws {ConfigError}
 */
export function loadConfig(
  flags: ConfigInput,
  environment: NodeJS.ProcessEnv = process.env,
  configFile?: string,
): Config {
  const keys = Object.keys(configSchema.shape) as (keyof Config)[];
  const fromEnvironment = Object.fromEntries(
    keys.flatMap((key) => (environment[environmentName(key)] ? [[key, environment[environmentName(key)]]] : [])),
  );
  const given = {
    ...fromEnvironment,
    ...Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined)),
  };
  const dataDir = String(given.dataDir ?? configSchema.parse({}).dataDir);
  const file = readConfigFile(configFile ?? join(dataDir, 'edgetune.yaml'), configFile !== undefined);
  const parsed = configSchema.safeParse({ ...file, ...given });
  if (!parsed.success) {
    const mistakes = parsed.error.issues.map((issue) =>
      issue.code === 'unrecognized_keys'
        ? `  unknown setting ${issue.keys.join(', ')}: there are ${keys.join(', ')}`
        : `  ${mistakesInLine({ issues: [issue] })}`,
    );
    throw new ConfigError(`the settings have mistakes:\n${mistakes.join('\n')}`);
  }
  const config = { ...parsed.data, dataDir: resolve(parsed.data.dataDir) };
  if ((config.tlsCert === undefined) !== (config.tlsKey === undefined))
    throw new ConfigError('tlsCert and tlsKey go together: a certificate and its private key');
  if (config.tls === 'self-signed' && config.tlsCert !== undefined)
    throw new ConfigError('tls self-signed makes a certificate, and tlsCert names one: leave one of them out');
  const encrypts = config.tls === 'self-signed' || config.tlsCert !== undefined;
  if (encrypts && config.publicUrl && new URL(config.publicUrl).protocol !== 'https:')
    throw new ConfigError(`publicUrl ${config.publicUrl} must begin with https://: the coordinator encrypts`);
  if (!isLoopback(config.host) && config.adminToken === undefined) {
    throw new ConfigError(
      `host ${config.host} can be reached from other machines: set an admin token (--admin-token or ${environmentName('adminToken')}), for example ${'$'}(openssl rand -hex 24)`,
    );
  }
  return config;
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

function readConfigFile(path: string, required: boolean): ConfigInput {
  if (!existsSync(path)) {
    if (required) throw new ConfigError(`the settings file ${path} does not exist`);
    return {};
  }
  // Settings may hold an admin token or a broker's password: no line of them is shown.
  const { values, mistakes } = readYaml(readText(path), { showsLines: false });
  if (mistakes.length > 0)
    throw new ConfigError(
      `the settings file ${path} cannot be read:\n${mistakes.map((mistake) => `  ${mistakeText(mistake)}`).join('\n')}`,
    );
  if (values === null) return {};
  if (typeof values !== 'object' || Array.isArray(values))
    throw new ConfigError(`the settings file ${path} cannot be read: expected settings by name, such as "port: 8080"`);
  return values as ConfigInput;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new ConfigError(`the settings file ${path} cannot be read: ${(error as Error).message}`);
  }
}
