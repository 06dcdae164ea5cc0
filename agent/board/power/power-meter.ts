/** What reads the power of a board. One small file for each kind of meter; `find-meters.ts` lists them. */

/** What a meter sees: the whole board, the processor package only, or what the supply takes from the wall. */
export type MeterCoverage = 'board' | 'processor' | 'wall';

export interface PowerMeter {
  /** As it is shown beside each figure. */
  readonly name: string;
  readonly covers: MeterCoverage;
  /** `power`: a reading is watts at its time; `counter`: joules since the meter was opened. */
  readonly kind: 'power' | 'counter';
  /** How often it is worth asking. */
  readonly intervalMs: number;
  /** Of shorter windows it cannot tell the energy. */
  readonly leastWindowMs: number;
  /** @throws {HostError} where it cannot be reached now */
  open(): Promise<OpenMeter>;
}

export interface OpenMeter {
  /**
   * Watts or joules, by the meter's kind.
   * @throws {HostError} where this one reading failed: the next may succeed
   */
  read(): Promise<number>;
  close(): Promise<void>;
}

/** A meter that is there as long as the board is. */
export function alwaysOpen(read: () => number | Promise<number>): () => Promise<OpenMeter> {
  return async () => ({ read: async () => read(), close: async () => {} });
}
