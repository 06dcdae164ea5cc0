/**
 * Two boards with one credential, as after a card was copied. A broker lets one of them in at a time and ends the other's
 * session, so that both come back again and again. The board that the device is goes on; the other one is refused by name, and
 * nothing that it says counts, until the first has been away for a while: then it takes its place.
 */
import type { BoardDescription } from '@edgetune/shared/domain/device.ts';
import { nameOfBoard, type SharedCredential } from '@edgetune/shared/domain/shared-credential.ts';

/** Boards that were cut off come back within seconds: who was away for so long is gone. */
const GONE_MS = 2 * 60_000;
/** A refused board tries again every five minutes: of one that was not heard for longer nothing is said any more. */
const FORGOTTEN_MS = 30 * 60_000;
const MOST_SESSIONS = 20;

/** An agent's own words of itself: its session is that of one process from start to end. */
interface Heard {
  sessionId: string;
  board: BoardDescription;
}

export type Judgement =
  | { kind: 'welcome' }
  /** It takes the place of a board that is gone. */
  | { kind: 'replaces'; first: string; second: string }
  | { kind: 'refused'; first: string; second: string };

interface Credential {
  holder: string | null;
  /** Sessions in whose place another one came: one that comes back shows that there are two. */
  displaced: Set<string>;
  refused: Set<string>;
  /** Who speaks on the device's topics now. */
  speaker: string | null;
  /** Since when the holder is away; null: it is there. */
  awaySinceMs: number | null;
  shared: { first: string; second: string; atMs: number } | null;
  boards: Map<string, BoardDescription>;
}

export class SharedCredentials {
  readonly #now: () => number;
  readonly #startMs: number;
  readonly #credentials = new Map<string, Credential>();

  constructor(now: () => number) {
    this.#now = now;
    this.#startMs = now();
  }

  /** What is to be done with a board that says who it is. @param known the board that the device is */
  judge(deviceId: string, known: BoardDescription | null, { sessionId, board }: Heard): Judgement {
    const own = this.#of(deviceId);
    own.speaker = sessionId;
    remember(own, sessionId, board);
    if (own.holder === sessionId) return this.#welcome(own, sessionId);
    const isGone = own.awaySinceMs !== null && this.#now() - own.awaySinceMs >= GONE_MS;
    const isOther = known !== null && differs(known, board);
    if ((isOther || own.refused.has(sessionId)) && !isGone) {
      own.refused.add(sessionId);
      const first = known && isOther ? nameOfBoard(known) : (own.shared?.first ?? 'a board');
      return { kind: 'refused', ...this.#share(own, first, nameOfBoard(board)) };
    }
    if (own.displaced.has(sessionId) && own.holder !== null) {
      // It was there first, and is again: both run. The other one is told when it comes back.
      own.refused.add(own.holder);
      const second = own.boards.get(own.holder) ?? board;
      this.#share(own, nameOfBoard(board), nameOfBoard(second));
      own.holder = null;
    }
    this.#welcome(own, sessionId);
    if (!known || !isOther) return { kind: 'welcome' };
    own.shared = null;
    return { kind: 'replaces', first: nameOfBoard(known), second: nameOfBoard(board) };
  }

  /** A session has come or gone. @returns whether it may be believed: a refused one says nothing of the device */
  heardStatus(deviceId: string, sessionId: string, state: 'online' | 'offline'): boolean {
    const own = this.#of(deviceId);
    if (state === 'online') own.speaker = sessionId;
    if (own.refused.has(sessionId)) return false;
    if (state === 'offline' && (own.holder === sessionId || own.holder === null)) own.awaySinceMs ??= this.#now();
    return true;
  }

  /** Whether what comes on the device's topics now comes from a refused board. */
  isRefusedSpeaking(deviceId: string): boolean {
    const own = this.#credentials.get(deviceId);
    return own?.speaker != null && own.refused.has(own.speaker);
  }

  /** What is to be told to people. */
  shared(deviceId: string): SharedCredential | null {
    const shared = this.#credentials.get(deviceId)?.shared;
    if (!shared || this.#now() - shared.atMs > FORGOTTEN_MS) return null;
    const { first, second, atMs } = shared;
    return { first, second, lastSeenAt: new Date(atMs).toISOString() };
  }

  /** A board has joined: it has a credential of its own, and those that shared the device's old one have none. */
  joined(deviceId: string, board: BoardDescription): string[] {
    this.#credentials.delete(deviceId);
    const name = nameOfBoard(board);
    const ended = [...this.#credentials].filter(([, { shared }]) => shared?.second === name);
    for (const [, credential] of ended) credential.shared = null;
    return ended.map(([id]) => id);
  }

  forget(deviceId: string): void {
    this.#credentials.delete(deviceId);
  }

  #welcome(own: Credential, sessionId: string): Judgement {
    if (own.holder !== null && own.holder !== sessionId) limited(own.displaced).add(own.holder);
    own.displaced.delete(sessionId);
    own.refused.delete(sessionId);
    own.holder = sessionId;
    own.awaySinceMs = null;
    return { kind: 'welcome' };
  }

  #share(own: Credential, first: string, second: string) {
    own.shared = { first, second, atMs: this.#now() };
    limited(own.refused);
    return { first, second };
  }

  #of(deviceId: string): Credential {
    const known = this.#credentials.get(deviceId);
    if (known) return known;
    const credential: Credential = {
      holder: null,
      displaced: new Set(),
      refused: new Set(),
      speaker: null,
      awaySinceMs: this.#startMs,
      shared: null,
      boards: new Map(),
    };
    this.#credentials.set(deviceId, credential);
    return credential;
  }
}

/** Whether it is another piece of hardware; where either does not tell, nothing is known. */
function differs(known: BoardDescription, board: BoardDescription): boolean {
  return known.hardware !== undefined && board.hardware !== undefined && known.hardware !== board.hardware;
}

function remember({ boards }: Credential, sessionId: string, board: BoardDescription): void {
  boards.delete(sessionId);
  boards.set(sessionId, board);
  if (boards.size > MOST_SESSIONS) boards.delete(boards.keys().next().value as string);
}

/** Agents that start again and again make sessions without end: the oldest are forgotten. */
function limited(sessions: Set<string>): Set<string> {
  if (sessions.size > MOST_SESSIONS) sessions.delete(sessions.values().next().value as string);
  return sessions;
}
