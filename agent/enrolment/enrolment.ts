/** How a board joins: a join token is traded once for a credential, which is kept in the agent's data directory. */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { BoardDescription } from '@edgetune/shared/domain/device.ts';
import type { CoordinatorIdentity } from '@edgetune/shared/protocol/coordinator-identity.ts';
import { enrollResponseSchema, problemSchema } from '@edgetune/shared/protocol/http.ts';
import { writeDurably } from '@edgetune/shared/runtime/durable-file.ts';
import { type HttpAnswer, requestHttp } from '@edgetune/shared/runtime/http-request.ts';
import { WrongKeyError } from '@edgetune/shared/runtime/pinned-tls.ts';
import { publicKeyPinSchema } from '@edgetune/shared/runtime/public-key-pin.ts';
import { z } from 'zod';

export const enrolmentSchema = enrollResponseSchema.extend({
  server: z.string(),
  /** Public key of the coordinator, where the board was told it: nobody with another one is believed. */
  pin: publicKeyPinSchema.optional(),
});
export type Enrolment = z.infer<typeof enrolmentSchema>;

/** A join that was refused; the message says why and what to do. */
export class EnrolmentError extends Error {
  override name = 'EnrolmentError';
}

const fileOf = (dataDirectory: string) => join(dataDirectory, 'enrolment.json');

/** The enrolment of an earlier run, or null. @throws {EnrolmentError} where the file is damaged */
export function savedEnrolment(dataDirectory: string): Enrolment | null {
  let text: string;
  try {
    text = readFileSync(fileOf(dataDirectory), 'utf8');
  } catch {
    return null;
  }
  try {
    return enrolmentSchema.parse(JSON.parse(text));
  } catch {
    throw new EnrolmentError(
      `${fileOf(dataDirectory)} is damaged: delete it and join again with a new token ("edgetune device add NAME" on the coordinator)`,
    );
  }
}

export function forgetEnrolment(dataDirectory: string): void {
  rmSync(fileOf(dataDirectory), { force: true });
}

/**
 * @throws {EnrolmentError}
 * @throws {WrongKeyError} where who answers has another key than the pinned one
 */
export async function enrol(options: {
  server: string;
  pin?: string | undefined;
  token: string;
  board: BoardDescription;
  dataDirectory: string;
}): Promise<Enrolment> {
  const { server, pin, token, board, dataDirectory } = options;
  let response: HttpAnswer;
  try {
    response = await requestHttp(new URL('/api/enroll', server), {
      pin,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token, board }),
    });
  } catch (error) {
    if (error instanceof WrongKeyError) throw error;
    const { message, code } = error as NodeJS.ErrnoException;
    throw new EnrolmentError(
      `the coordinator at ${server} cannot be reached (${message || code}): is it running, and can this board reach that address?`,
    );
  }
  const body: unknown = await response.json().catch(() => null);
  if (!response.ok) {
    const problem = problemSchema.safeParse(body);
    const reason = problem.success
      ? [problem.data.error, problem.data.hint].filter(Boolean).join('. ')
      : `HTTP ${response.status}`;
    throw new EnrolmentError(`the coordinator refused this board: ${reason}`);
  }
  const parsed = enrollResponseSchema.safeParse(body);
  if (!parsed.success)
    throw new EnrolmentError(`what answered at ${server} is no EdgeTune coordinator of this version`);
  const enrolment = { ...parsed.data, server, ...(pin === undefined ? {} : { pin }) };
  keepEnrolment(dataDirectory, enrolment);
  return enrolment;
}

/** As whom the board knows the coordinator that it has joined. @throws {Error} where it cannot be written */
export function keepCoordinator(dataDirectory: string, coordinator: CoordinatorIdentity): void {
  const saved = savedEnrolment(dataDirectory);
  if (saved) keepEnrolment(dataDirectory, { ...saved, coordinator });
}

function keepEnrolment(dataDirectory: string, enrolment: Enrolment): void {
  writeDurably(fileOf(dataDirectory), `${JSON.stringify(enrolment, null, 2)}\n`, 0o600);
}
