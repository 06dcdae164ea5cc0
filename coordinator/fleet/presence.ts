/**
 * Whether a device is there. Its agent says online (retained) after each connect, under a session id of that connect;
 * its last will says offline under the same id. The death of a session that another has replaced says nothing.
 */
import type { StatusMessage } from '@edgetune/shared/protocol/messages.ts';

export interface PresenceState {
  sessionId: string | null;
  online: boolean;
  /**
   * Jobs may be sent: the agent has said hello in this session, which tells what its journal holds. A status that the
   * broker had retained belongs to a session whose hello was said before this coordinator listened.
   */
  ready: boolean;
}

export const ABSENT: PresenceState = { sessionId: null, online: false, ready: false };

export function afterStatus(before: PresenceState, status: StatusMessage, retained: boolean): PresenceState {
  const sameSession = before.sessionId === status.sessionId;
  if (status.state === 'online')
    return { sessionId: status.sessionId, online: true, ready: retained || (sameSession && before.ready) };
  return sameSession || !before.online ? { sessionId: status.sessionId, online: false, ready: false } : before;
}

export function afterHello(sessionId: string): PresenceState {
  return { sessionId, online: true, ready: true };
}
