/**
 * What no one has caught. A study, a job or a connection that meets a fault of ours is one of many, and all that lasts is
 * written in transactions: the coordinator says so and goes on. Where faults do not cease it ends in order, with code 1:
 * whoever keeps it running starts it anew, and it goes on from what is written.
 */

export interface UnforeseenOptions {
  /** Where they come up: the process. */
  source: {
    on(event: 'uncaughtException' | 'unhandledRejection', listener: (error: unknown) => void): unknown;
    off(event: 'uncaughtException' | 'unhandledRejection', listener: (error: unknown) => void): unknown;
  };
  say(message: string, fields: { error: unknown }): void;
  /** Ends the coordinator in order. */
  end(): void;
  /** Milliseconds. */
  now?: () => number;
}

/** So many within a minute are no single fault any more. */
const TOO_MANY = 20;
const WINDOW_MS = 60_000;

/** @returns the function that ends this */
export function surviveUnforeseen({ source, say, end, now = Date.now }: UnforeseenOptions): () => void {
  let lately: number[] = [];
  let isEnding = false;
  const onFault = (error: unknown) => {
    lately = [...lately.filter((atMs) => now() - atMs < WINDOW_MS), now()];
    const where = placeOf(error);
    const goesOn = lately.length < TOO_MANY || isEnding;
    const what = goesOn ? 'it goes on' : `it ends, after ${TOO_MANY} of them within a minute`;
    say(`the coordinator has met a fault of EdgeTune${where === null ? '' : ` (${where})`}; ${what}`, { error });
    if (goesOn) return;
    isEnding = true;
    end();
  };
  source.on('uncaughtException', onFault);
  source.on('unhandledRejection', onFault);
  return () => {
    source.off('uncaughtException', onFault);
    source.off('unhandledRejection', onFault);
  };
}

/** Where it was thrown: what a report of the fault needs most. */
function placeOf(error: unknown): string | null {
  const frame =
    error instanceof Error ? error.stack?.split('\n').find((line) => line.startsWith('    at ')) : undefined;
  return frame === undefined ? null : frame.trim();
}
