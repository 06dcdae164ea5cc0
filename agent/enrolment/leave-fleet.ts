/** How a board leaves: the coordinator takes it out of the fleet; what it measured stays there. */
import { requestHttp } from '@edgetune/shared/runtime/http-request.ts';
import type { Enrolment } from './enrolment.ts';

const TIMEOUT_MS = 10_000;

/** @throws {Error} where the coordinator cannot be reached or does not know the device (any more) */
export async function leaveFleet({ server, pin, deviceId, credential }: Enrolment): Promise<void> {
  const response = await requestHttp(new URL('/api/enroll', server), {
    pin,
    method: 'DELETE',
    headers: { authorization: `Bearer ${deviceId}:${credential}` },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  response.body.resume();
  if (!response.ok) throw new Error(`it answered HTTP ${response.status}`);
}
