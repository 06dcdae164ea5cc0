/** What a board says against a measurement: it was throttled, or its supply was too weak. Pure. */

export type WarningKind = 'throttled' | 'under-voltage';

/** One thing that a board can warn of, as it stands at one moment. */
export interface Warning {
  kind: WarningKind;
  /** In words, such as "the firmware throttled the processor". */
  what: string;
  /** Whether it holds now. */
  active: boolean;
  /** How often it has happened since the board started (or 1 for "it has happened"), where the board counts. */
  count: number;
}

/** Reads the board's warnings of one kind of source. `kinds`: those that it can tell of. */
export interface WarningSource {
  readonly kinds: readonly WarningKind[];
  /** Always the same warnings in the same order. @throws {HostError} where they cannot be read now */
  read(): Promise<Warning[]>;
}

/**
 * What held at any of the readings, or was counted between the first and the last one.
 * @param readings of one source, in order of time
 */
export function warningsDuring(readings: readonly (readonly Warning[])[]): Warning[] {
  const [first, last] = [readings[0], readings.at(-1)];
  if (!first || !last) return [];
  return last.filter(
    (warning, i) =>
      warning.count > (first[i]?.count ?? warning.count) || readings.some((reading) => reading[i]?.active),
  );
}
