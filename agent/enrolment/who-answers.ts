/** Who answers at the coordinator's address: the one that this board has joined, or another. */
import { healthSchema } from '@edgetune/shared/protocol/http.ts';
import { type Proof, removalAnswerSchema } from '@edgetune/shared/protocol/signed.ts';
import { requestHttp } from '@edgetune/shared/runtime/http-request.ts';
import type { Enrolment } from './enrolment.ts';

const TIMEOUT_MS = 5000;

/** What to do where it is another. */
export const OTHER_COORDINATOR_CURE =
  'if it was started with another data directory, start it with the right one or a backup of it (edgetune restore); if this board is to change fleets, paste the line of "edgetune device add NAME" on it';

export interface Answer {
  /** HTTP status. */
  status: number;
  /** The id of whoever answers, where it is another coordinator than the one that this board has joined; else null. */
  other: string | null;
}

/** @throws {WrongKeyError} @throws {Error} where nobody answers */
export async function whoAnswers({
  server,
  pin,
  coordinator,
}: Pick<Enrolment, 'server' | 'pin' | 'coordinator'>): Promise<Answer> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const response = await requestHttp(new URL('/api/health', server), { signal, pin });
  const body = await response.json().catch(() => null);
  const found = healthSchema.safeParse(body).data?.coordinator ?? null;
  const isOther = found !== null && coordinator !== undefined && found !== coordinator.id;
  return { status: response.status, other: isOther ? found : null };
}

/**
 * What the coordinator says, signed, of a board that it does not let in any more: that it has removed it.
 * @returns undefined where it says no such thing
 * @throws {WrongKeyError} @throws {Error} where nobody answers
 */
export async function proofOfRemoval({
  server,
  pin,
  deviceId,
}: Pick<Enrolment, 'server' | 'pin' | 'deviceId'>): Promise<Proof | undefined> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const response = await requestHttp(new URL(`/api/enroll/removals/${deviceId}`, server), { signal, pin });
  const body = await response.json().catch(() => null);
  return removalAnswerSchema.safeParse(body).data?.proof;
}
