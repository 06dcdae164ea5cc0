/** What is run for long: each part is a file of its own beside this one, and a line here. */
import { boards } from './boards.ts';
import { fullDisk } from './full-disk.ts';
import { kills } from './kills.ts';

export interface SoakPart {
  name: string;
  description: string;
  /** How many runs show what it is for. */
  runs: number;
  /** Why it cannot be run on this machine; null: it can. */
  whyNot(): string | null;
  /**
   * @returns what happened, in a few words
   * @throws {Error} saying what was not as it should be
   */
  run(seed: number): Promise<string>;
}

export const SOAK_PARTS: readonly SoakPart[] = [boards, fullDisk, kills];
