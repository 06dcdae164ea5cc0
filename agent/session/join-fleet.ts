/** As whom an agent speaks to which coordinator: as it has joined before, or by joining now. */
import type { BoardDescription } from '@edgetune/shared/domain/device.ts';
import { type Enrolment, EnrolmentError, enrol, savedEnrolment } from '../enrolment/enrolment.ts';
import { forgetSharedCredential, sharedCredentialNote } from './shared-credential.ts';

export interface JoinOptions {
  server: string;
  /** Public key of the coordinator; absent: that of the first run, if any. */
  pin?: string | undefined;
  /** Needed for the first run in this data directory only. */
  token?: string | undefined;
  dataDirectory: string;
}

/** Where the enrolment and the options of this run differ, the latter hold. */
export type Membership = Enrolment & { pin: string | undefined };

/**
 * @throws {EnrolmentError} where the board cannot join
 * @throws {WrongKeyError} where who answers has another key than the pinned one
 */
export async function joinFleet(options: JoinOptions, board: BoardDescription): Promise<Membership> {
  const { server, pin, token, dataDirectory } = options;
  const saved = joinedBefore(options);
  if (saved) {
    const joined =
      !token || (saved.coordinator && !sharedCredentialNote(dataDirectory)?.isRefused)
        ? null
        : await joinForKey({ ...options, server: server || saved.server, token }, board);
    return joined ?? { ...saved, server: server || saved.server, pin: pin ?? saved.pin };
  }
  if (!token)
    throw new EnrolmentError(
      'this board has not joined a fleet yet: run "edgetune device add NAME" on the coordinator and use the command that it prints',
    );
  return { ...(await enrolAnew({ server, pin, token, board, dataDirectory })), pin };
}

/** With a credential of its own it shares none. */
async function enrolAnew(options: Parameters<typeof enrol>[0]): Promise<Enrolment> {
  const enrolment = await enrol(options);
  forgetSharedCredential(options.dataDirectory);
  return enrolment;
}

/**
 * Joins anew where the board joined before its coordinator was known by a key, which it then takes, and where it is refused
 * because another board uses its credential. Null where that is
 * refused: the line of the first run was pasted again, whose token is used up.
 */
async function joinForKey(
  { server, pin, token, dataDirectory }: JoinOptions & { token: string },
  board: BoardDescription,
): Promise<Membership | null> {
  try {
    return { ...(await enrolAnew({ server, pin, token, board, dataDirectory })), pin };
  } catch (error) {
    if (error instanceof EnrolmentError) return null;
    throw error;
  }
}

/**
 * The enrolment of an earlier run. A token that is given with it is from the pasted command line and was used up by the first
 * run, unless the line names another key: then the board is to join anew, also where MQTT was not encrypted before.
 */
function joinedBefore({ dataDirectory, token, pin }: JoinOptions): Enrolment | null {
  const saved = savedEnrolment(dataDirectory);
  return token !== undefined && pin !== undefined && pin !== saved?.pin ? null : saved;
}
