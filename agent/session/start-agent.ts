/** An agent's life: join, connect, say who it is, do jobs, deliver results; until it is stopped or removed from the fleet. */
import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { BoardDescription } from '@edgetune/shared/domain/device.ts';
import type { Logger } from '@edgetune/shared/log/logger.ts';
import {
  type CommandMessage,
  commandMessageSchema,
  type HelloMessage,
  type JobUpdateMessage,
  PROTOCOL_VERSION,
  type StatusMessage,
  type UpdateOffer,
} from '@edgetune/shared/protocol/messages.ts';
import { topics } from '@edgetune/shared/protocol/topics.ts';
import { type Enrolment, EnrolmentError, enrol, forgetEnrolment, savedEnrolment } from '../enrolment/enrolment.ts';
import type { AgentBoard } from '../this-machine/agent-board.ts';
import { outdatedScripts, reinstallLine } from '../update/installed-scripts.ts';
import { Updater } from '../update/updater.ts';
import type { Versions } from '../update/versions.ts';
import { AGENT_VERSION } from '../version.ts';
import { connectSession } from './connect-session.ts';
import { JobJournal } from './job-journal.ts';
import { JobRunner } from './job-runner.ts';
import { localStatus, serveLocalStatus } from './local-status.ts';
import { ModelCache } from './model-cache.ts';
import { Outbox } from './outbox.ts';

export interface AgentOptions {
  server: string;
  /** Public key of the coordinator; absent: that of the first run, if any. */
  pin?: string | undefined;
  /** Needed for the first run in this data directory only. */
  token?: string | undefined;
  dataDirectory: string;
  board: AgentBoard;
  log: Logger;
  /** Bytes of models that are kept on the board. */
  cacheBytes?: number;
  /** Those of the installation, where the agent can update itself. */
  versions?: Versions | null;
}

/** Why an agent ends by itself: out of the fleet; another version is to be started; asked to by a command on this board. */
export type AgentEnd = 'removed' | 'updated' | 'given-up' | 'stopped';

export interface RunningAgent {
  deviceId: string;
  name: string;
  /** Resolves when the agent is to be stopped, without being stopped yet. */
  ended: Promise<AgentEnd>;
  stop(): Promise<void>;
}

const DEFAULT_CACHE_BYTES = 1e9;
const STOP_TIMEOUT_MS = 2000;

/**
 * @throws {EnrolmentError} where the board cannot join
 * @throws {WrongKeyError} where who answers has another key than the pinned one
 * @throws {Error} where another agent runs in this data directory
 */
export async function startAgent(options: AgentOptions): Promise<RunningAgent> {
  const { dataDirectory, log } = options;
  // Both would connect as the same device, and each would take the other's journals for its own.
  const other = await localStatus(dataDirectory);
  if (other)
    throw new Error(
      `an agent runs in ${dataDirectory} already (pid ${other.pid}, version ${other.version}): stop it first (sudo systemctl stop edgetune-agent, where it is the service), or give this one a --data-dir of its own`,
    );
  await options.board.setBack?.(log);
  const board = await options.board.describe();
  const saved = joined(options);
  if (!saved && !options.token) {
    throw new EnrolmentError(
      'this board has not joined a fleet yet: run "edgetune device add NAME" on the coordinator and use the command that it prints',
    );
  }
  const enrolment =
    saved ??
    (await enrol({ server: options.server, pin: options.pin, token: options.token as string, board, dataDirectory }));
  const { deviceId, credential, mqttUrl, mqttSharesKey, name } = enrolment;
  const pin = options.pin ?? enrolment.pin;
  const server = saved ? options.server || saved.server : options.server;

  const sessionId = randomUUID();
  const status = (state: StatusMessage['state']) =>
    JSON.stringify({
      protocol: PROTOCOL_VERSION,
      sessionId,
      state,
      at: new Date().toISOString(),
    } satisfies StatusMessage);
  const client = connectSession({
    url: mqttUrl,
    pin: mqttSharesKey ? pin : undefined,
    deviceId,
    credential,
    will: { topic: topics.status(deviceId), payload: Buffer.from(status('offline')), qos: 1, retain: true },
  });

  const send = (topic: string, payload: string, retain = false) => {
    // While not connected nothing is queued: the hello and the outbox say all anew.
    if (client.connected) client.publish(topic, payload, { qos: 1, retain });
  };
  const sendUpdate = (update: JobUpdateMessage) => send(topics.jobUpdate(deviceId), JSON.stringify(update));
  const outbox = new Outbox(join(dataDirectory, 'outbox'), log);
  const journal = new JobJournal(join(dataDirectory, 'jobs'), log);
  const cache = new ModelCache({
    directory: join(dataDirectory, 'models'),
    server,
    pin,
    deviceId,
    credential,
    maxBytes: options.cacheBytes ?? DEFAULT_CACHE_BYTES,
  });
  const jobs = new JobRunner({
    outbox,
    journal,
    send: sendUpdate,
    measure: async ({ request, waitForHost }, signal, mayBegin, onProgress) => {
      const modelPath = await cache.get(request.modelSha256, request.modelBytes, signal);
      return options.board.measure(request, { board, modelPath, signal, waitForHost, mayBegin, onProgress });
    },
  });

  let end: (how: AgentEnd) => void = () => {};
  const ended = new Promise<AgentEnd>((resolve) => {
    end = resolve;
  });
  const outdated = options.versions ? outdatedScripts(options.versions) : [];
  if (outdated.length > 0)
    log.warn(
      `older than this version: ${outdated.join(', ')}. To install them as well: ${reinstallLine({ server, ...(pin ? { pin } : {}) })}`,
    );
  const updater = options.versions
    ? new Updater({ versions: options.versions, server, pin, log, onGivenUp: () => end('given-up') })
    : null;
  let updating = false;
  const update = async (offer: UpdateOffer) => {
    if (!updater || updating) return;
    updating = true;
    try {
      await jobs.between(async () => {
        const result = await updater.install(offer);
        if (result === 'switched') end('updated');
        // The coordinator learns from it why.
        if (result === 'failed') sayHello();
      });
    } catch (error) {
      log.warn(`version ${offer.version} was not installed`, { error });
    } finally {
      updating = false;
    }
  };
  const sayHello = () => {
    const hello: HelloMessage = {
      protocol: PROTOCOL_VERSION,
      sessionId,
      deviceId,
      board: board as BoardDescription,
      jobs: jobs.open(),
      ...(updater ? { update: updater.state() } : {}),
    };
    send(topics.hello(deviceId), JSON.stringify(hello));
  };

  // It tries again every other second, perhaps for days: each trouble is told once until the next connection.
  const said = new Set<string>();
  const sayOnce = (message: string) => {
    if (!said.has(message)) log.warn(message);
    said.add(message);
  };
  client.on('connect', () => {
    said.clear();
    client.subscribe(topics.command(deviceId), { qos: 1 });
    send(topics.status(deviceId), status('online'), true);
    // Before the hello, which tells of updates that failed.
    updater?.connected();
    sayHello();
    for (const update of outbox.waiting()) sendUpdate(update);
    jobs.reportAgain();
    log.info(`connected to ${mqttUrl} as "${name}"`);
  });
  client.on('offline', () => sayOnce(`the coordinator at ${mqttUrl} cannot be reached: trying again`));
  client.on('error', (error) => sayOnce(`connection: ${error.message}`));
  client.on('message', (_topic, payload) => {
    const command = parseCommand(payload);
    if (!command) log.warn('a command that this version does not understand was ignored');
    else if (command.type === 'job') jobs.accept(command.job);
    else if (command.type === 'cancel') jobs.cancel(command, command.reason);
    else if (command.type === 'proceed') jobs.proceed(command);
    else if (command.type === 'acknowledge') for (const id of command.updateIds) outbox.acknowledge(id);
    else if (command.type === 'update') void update(command.offer);
    else {
      log.warn('this device was removed from the fleet: its credential is deleted');
      forgetEnrolment(dataDirectory);
      rmSync(join(dataDirectory, 'outbox'), { recursive: true, force: true });
      journal.forgetAll();
      end('removed');
    }
  });

  const startedAt = new Date().toISOString();
  const local = await serveLocalStatus(dataDirectory, {
    status: () => ({
      pid: process.pid,
      version: AGENT_VERSION,
      startedAt,
      connected: client.connected,
      jobs: jobs.open().map(({ jobId }) => jobId),
    }),
    stop: () => end('stopped'),
  }).catch((error: Error) => {
    log.warn('"edgetune-agent status" will say that no agent runs here', { error });
    return null;
  });

  return {
    deviceId,
    name,
    ended,
    async stop() {
      local?.close();
      updater?.close();
      await jobs.close();
      if (client.connected) {
        const farewell = client
          .publishAsync(topics.status(deviceId), status('offline'), { qos: 1, retain: true })
          .catch(() => {});
        await Promise.race([farewell, new Promise((resolve) => setTimeout(resolve, STOP_TIMEOUT_MS).unref())]);
      }
      await client.endAsync(true);
    },
  };
}

/**
 * The enrolment of an earlier run. A token that is given with it is from the pasted command line and was used up by the first
 * run, unless the line names another key: then the board is to join anew, also where MQTT was not encrypted before.
 */
function joined({ dataDirectory, token, pin }: AgentOptions): Enrolment | null {
  const saved = savedEnrolment(dataDirectory);
  return token !== undefined && pin !== undefined && pin !== saved?.pin ? null : saved;
}

function parseCommand(payload: Buffer): CommandMessage | null {
  try {
    return commandMessageSchema.parse(JSON.parse(payload.toString('utf8')));
  } catch {
    return null;
  }
}
