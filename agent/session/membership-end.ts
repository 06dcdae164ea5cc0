/** How a board's membership ends: by the word of the coordinator that it has joined, and by nobody else's. */
import type { Logger } from '@edgetune/shared/log/logger.ts';
import { NotSignedError, type Proof } from '@edgetune/shared/protocol/signed.ts';
import { forgetEnrolment } from '../enrolment/enrolment.ts';
import type { Trust } from '../enrolment/trust.ts';
import { OTHER_COORDINATOR_CURE, proofOfRemoval, whoAnswers } from '../enrolment/who-answers.ts';
import type { JobJournal } from './job-journal.ts';
import type { Membership } from './join-fleet.ts';
import { setResultsAside } from './set-aside-results.ts';

export interface MembershipEndOptions {
  membership: Membership;
  trust: Trust;
  dataDirectory: string;
  journal: JobJournal;
  log: Logger;
  /** It is over: the agent is to end. */
  onRemoved(): void;
}

export interface MembershipEnd {
  /** Somebody says that this board was removed. */
  removed(proof: Proof | undefined): void;
  /** A coordinator says that it has no such board. */
  unknown(coordinatorId: string): void;
  /** The broker does not let this board in. */
  refused(): void;
}

export function createMembershipEnd(options: MembershipEndOptions): MembershipEnd {
  const { membership, trust, dataDirectory, journal, log, onRemoved } = options;
  const { server, deviceId } = membership;
  function removed(proof: Proof | undefined): void {
    let coordinatorId: string;
    try {
      const said = trust.open(proof, 'removal');
      if (said.deviceId !== deviceId) throw new NotSignedError(`it is about another device, ${said.deviceId}`);
      coordinatorId = said.coordinator;
    } catch (error) {
      if (!(error instanceof NotSignedError)) throw error;
      log.warn(
        `somebody says that this board was removed from its fleet, and is not believed: ${error.message}. Nothing is deleted`,
      );
      return;
    }
    log.warn(REMOVED_TEXT);
    forgetEnrolment(dataDirectory);
    const results = setResultsAside(dataDirectory, coordinatorId);
    if (results > 0)
      log.warn(
        `${results} results that it has not delivered are kept for a week: they are, where it joins this coordinator again`,
      );
    journal.forgetAll();
    onRemoved();
  }

  /** The broker does not let this board in: its coordinator may have removed it meanwhile, or be another one. */
  async function askWhy(): Promise<void> {
    const coordinator = trust.coordinator ?? undefined;
    const { other } = await whoAnswers({ ...membership, coordinator });
    if (other !== null && coordinator) return log.warn(otherText(server, other, coordinator.id));
    const proof = await proofOfRemoval(membership);
    if (proof) removed(proof);
  }

  return {
    removed,
    unknown(coordinatorId) {
      const own = trust.coordinator?.id;
      log.warn(
        own === undefined || own === coordinatorId
          ? `the coordinator at ${server} (${coordinatorId}) does not know this board (${deviceId}): were its data lost, or an older backup of them restored? Nothing is deleted here`
          : otherText(server, coordinatorId, own),
      );
    },
    refused() {
      askWhy().catch(() => {}); // That it cannot be reached is said by the session.
    },
  };
}

/** What a person is told, in the log and as the agent ends. */
export const REMOVED_TEXT =
  'this device was removed from the fleet: its credential is deleted. To have it back, add it ("edgetune device add NAME" at the coordinator) and paste that line here, or run "edgetune-agent join" with its server and token';

function otherText(server: string, other: string, own: string): string {
  return `another coordinator (${other}) answers at ${server} than the one that this board has joined (${own}), and does not know it. Nothing is deleted here: ${OTHER_COORDINATOR_CURE}`;
}
