/** Whose word this board believes: its coordinator's, known by a key that it was told once. */
import type { Logger } from '@edgetune/shared/log/logger.ts';
import type { CoordinatorIdentity } from '@edgetune/shared/protocol/coordinator-identity.ts';
import {
  identityAnswerSchema,
  NotSignedError,
  openProof,
  type Proof,
  type Statement,
  type StatementOf,
} from '@edgetune/shared/protocol/signed.ts';
import { requestHttp } from '@edgetune/shared/runtime/http-request.ts';
import { type Enrolment, keepCoordinator } from './enrolment.ts';

const TIMEOUT_MS = 10_000;

/** What a person can do for a board that has no key yet. */
export const TAKE_KEY = 'paste the line of "edgetune device add NAME --renew" on this board';

export class Trust {
  readonly #enrolment: Enrolment;
  readonly #dataDirectory: string;
  readonly #log: Logger;
  #coordinator: CoordinatorIdentity | null;

  constructor(enrolment: Enrolment, dataDirectory: string, log: Logger) {
    this.#enrolment = enrolment;
    this.#dataDirectory = dataDirectory;
    this.#log = log;
    this.#coordinator = enrolment.coordinator ?? null;
  }

  /** As whom this board knows its coordinator; null: not yet. */
  get coordinator(): CoordinatorIdentity | null {
    return this.#coordinator;
  }

  /** What the coordinator has said. @throws {NotSignedError} where it is not its word, or this board cannot tell */
  open<Kind extends Statement['kind']>(proof: Proof | undefined, kind: Kind): StatementOf<Kind> {
    if (!this.#coordinator)
      throw new NotSignedError(
        `this board joined before its coordinator was known by a key, and cannot check whose word it is: ${TAKE_KEY}`,
      );
    if (!proof) throw new NotSignedError('it is not signed');
    const { statement, coordinator } = openProof(this.#coordinator, proof, kind);
    this.#keep(coordinator);
    return statement;
  }

  /**
   * A board that joined before there was a key takes it once, where it knows who answers: over TLS. Later keys it takes
   * only from the one before.
   * @returns whether it is another than before
   */
  async take(): Promise<boolean> {
    const { server, pin, deviceId, credential } = this.#enrolment;
    const before = this.#coordinator;
    if (before || new URL(server).protocol !== 'https:') return false;
    const response = await requestHttp(new URL('/api/enroll', server), {
      pin,
      headers: { authorization: `Bearer ${deviceId}:${credential}` },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (!response.ok) {
      response.body.resume();
      throw new Error(`it answered HTTP ${response.status}`);
    }
    const { coordinator } = identityAnswerSchema.parse(await response.json());
    this.#keep(coordinator);
    this.#log.info(`the coordinator at ${server} is known by its key from now on (${coordinator.id})`);
    return true;
  }

  #keep(coordinator: CoordinatorIdentity): void {
    if (coordinator.publicKey === this.#coordinator?.publicKey) return;
    this.#coordinator = coordinator;
    try {
      keepCoordinator(this.#dataDirectory, coordinator);
    } catch (error) {
      this.#log.warn("the coordinator's key is kept in memory only: after a restart it is taken again", { error });
    }
  }
}
