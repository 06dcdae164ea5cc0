/** An agent's life: join, connect, say who it is, do jobs, deliver results; until it is stopped or removed from the fleet. */
import { join } from 'node:path';
import { sharedCredentialCure, sharedCredentialText } from '@edgetune/shared/domain/shared-credential.ts';
import type { Logger } from '@edgetune/shared/log/logger.ts';
import type { CommandMessage } from '@edgetune/shared/protocol/messages.ts';
import { Trust } from '../enrolment/trust.ts';
import type { AgentBoard } from '../this-machine/agent-board.ts';
import { Updater } from '../update/updater.ts';
import type { Versions } from '../update/versions.ts';
import { AGENT_VERSION } from '../version.ts';
import { CurrentBoard } from './current-board.ts';
import { JobJournal } from './job-journal.ts';
import { JobRunner } from './job-runner.ts';
import { type JoinOptions, joinFleet, type Membership } from './join-fleet.ts';
import { localStatus, serveLocalStatus } from './local-status.ts';
import { createMembershipEnd } from './membership-end.ts';
import { ModelCache } from './model-cache.ts';
import { Outbox } from './outbox.ts';
import { createSelfUpdate, tellOfOutdatedScripts } from './self-update.ts';
import { Session } from './session.ts';
import { takeResultsBack } from './set-aside-results.ts';
import { noteSharedCredential, sharedCredentialNote } from './shared-credential.ts';

export interface AgentOptions extends JoinOptions {
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

/**
 * @throws {EnrolmentError} where the board cannot join
 * @throws {WrongKeyError} where who answers has another key than the pinned one
 * @throws {Error} where another agent runs in this data directory
 */
export async function startAgent(options: AgentOptions): Promise<RunningAgent> {
  const { dataDirectory, log, versions } = options;
  await refuseSecondAgent(dataDirectory);
  await options.board.setBack?.(log);
  const board = await options.board.describe();
  const membership = await joinFleet(options, board);
  const { deviceId, name, server, pin } = membership;
  const trust = new Trust(membership, dataDirectory, log);
  const session = new Session(membership, log);
  takeResultsBack(dataDirectory, trust.coordinator?.id, log);
  const current = new CurrentBoard({ source: options.board, board, log, onChange: () => sayHello() });
  const { outbox, journal, jobs } = jobsOf(options, current, membership, session);

  let end: (how: AgentEnd) => void = () => {};
  const ended = new Promise<AgentEnd>((resolve) => {
    end = resolve;
  });
  const onRemoved = () => end('removed');
  const membershipEnd = createMembershipEnd({ membership, trust, dataDirectory, journal, log, onRemoved });
  if (versions) tellOfOutdatedScripts(versions, membership, log);
  const updater = versions
    ? new Updater({ versions, server, pin, trust, log, onGivenUp: () => end('given-up') })
    : null;
  const sayHello = () =>
    session.sayHello({
      ...{ board: current.board, jobs: jobs.open(), coordinator: trust.coordinator },
      ...(updater ? { update: updater.state() } : {}),
    });
  const update =
    updater && createSelfUpdate({ updater, jobs, log, onSwitched: () => end('updated'), onFailed: sayHello });

  const sayAll = async () => {
    // Asked while it measures, the board is as it was described for that.
    if (jobs.open().length === 0)
      await current.describe().catch((error: Error) => log.warn('the board could not be described anew', { error }));
    sayHello();
    for (const waiting of outbox.waiting()) session.report(waiting);
    jobs.reportAgain();
  };

  session.listen({
    onConnected() {
      // Before the hello, which tells of updates that failed.
      updater?.connected();
      void sayAll();
      trust.take().then(
        (taken) => taken && sayHello(),
        (error: Error) =>
          log.warn(`the coordinator's key could not be taken, without which this board is not updated`, { error }),
      );
    },
    onRefused: () => membershipEnd.refused(),
    onCommand(command: CommandMessage) {
      if (command.type === 'job') jobs.accept(command.job);
      else if (command.type === 'cancel') jobs.cancel(command, command.reason);
      else if (command.type === 'proceed') jobs.proceed(command);
      else if (command.type === 'greet') void sayAll();
      else if (command.type === 'acknowledge') for (const id of command.updateIds) outbox.acknowledge(id);
      else if (command.type === 'update') void update?.(command.offer);
      else if (command.type === 'removed') membershipEnd.removed(command.proof);
      else if (command.type === 'shared-credential') hearOfSharedCredential(options, session, command);
      else membershipEnd.unknown(command.coordinator);
    },
  });
  const local = await serveStatus(options, session, jobs, () => end('stopped'));

  return {
    deviceId,
    name,
    ended,
    async stop() {
      local?.close();
      updater?.close();
      await jobs.close();
      await session.close();
    },
  };
}

/** How long a board stands back whose credential is another one's: that one is left to measure. */
const STAND_BACK_MS = 5 * 60_000;

function hearOfSharedCredential(
  { dataDirectory, log }: Pick<AgentOptions, 'dataDirectory' | 'log'>,
  session: Session,
  { sessionId, refused, name, first, second }: Extract<CommandMessage, { type: 'shared-credential' }>,
): void {
  if (!session.is(sessionId)) return;
  const known = sharedCredentialNote(dataDirectory);
  const isNews = known?.isRefused !== refused || known.first !== first || known.second !== second;
  try {
    if (isNews || refused)
      noteSharedCredential(dataDirectory, { isRefused: refused, name, first, second, at: new Date().toISOString() });
  } catch (error) {
    log.warn('"edgetune-agent doctor" will not tell that two boards use one credential', { error });
  }
  const what = sharedCredentialText(name, { first, second });
  if (refused) {
    log.warn(
      `${what}: this is that one. It stands back, and tries again in ${STAND_BACK_MS / 60_000} minutes. To mend it, ${sharedCredentialCure(name)}`,
    );
    session.standBack(STAND_BACK_MS);
  } else if (isNews)
    log.warn(`${what}. This board is the first, and goes on. To mend it, ${sharedCredentialCure(name)}`);
}

/** Both would connect as the same device, and each would take the other's journals for its own. @throws {Error} */
async function refuseSecondAgent(dataDirectory: string): Promise<void> {
  const other = await localStatus(dataDirectory);
  if (other)
    throw new Error(
      `an agent runs in ${dataDirectory} already (pid ${other.pid}, version ${other.version}): stop it first (sudo systemctl stop edgetune-agent, where it is the service), or give this one a --data-dir of its own`,
    );
}

/** The jobs of this board: models from the cache, measured on the board, reported to the coordinator. */
function jobsOf(options: AgentOptions, current: CurrentBoard, membership: Membership, session: Session) {
  const { dataDirectory, log } = options;
  const outbox = new Outbox(join(dataDirectory, 'outbox'), log);
  const journal = new JobJournal(join(dataDirectory, 'jobs'), log);
  const { server, pin, deviceId, credential } = membership;
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
    send: (update) => session.report(update),
    board: () => current.board,
    measure: async ({ request, waitForHost }, signal, mayBegin, onProgress) => {
      const modelPath = await cache.get(request.modelSha256, request.modelBytes, signal);
      const board = await current.describe();
      const describe = () => current.describe();
      return options.board.measure(request, { board, describe, modelPath, signal, waitForHost, mayBegin, onProgress });
    },
  });
  return { outbox, journal, jobs };
}

/** What "edgetune-agent status" on this board is told, and asked to do. Null where it cannot be. */
function serveStatus({ dataDirectory, log }: AgentOptions, session: Session, jobs: JobRunner, stop: () => void) {
  const startedAt = new Date().toISOString();
  const status = () => ({
    pid: process.pid,
    version: AGENT_VERSION,
    startedAt,
    connected: session.connected,
    jobs: jobs.open().map(({ jobId }) => jobId),
  });
  return serveLocalStatus(dataDirectory, { status, stop }).catch((error: Error) => {
    log.warn('"edgetune-agent status" will say that no agent runs here', { error });
    return null;
  });
}
