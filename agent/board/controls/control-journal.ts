/**
 * What the agent has changed on the board, on disk before it is changed: a board is left as it was found, also where the
 * agent was killed in between.
 */
import { readFileSync, renameSync, rmSync } from 'node:fs';
import { basename } from 'node:path';
import type { Logger } from '@edgetune/shared/log/logger.ts';
import { writeDurably } from '@edgetune/shared/runtime/durable-file.ts';
import { z } from 'zod';
import { type Host, readText } from '../host.ts';

const undoSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('write'), path: z.string(), text: z.string() }),
  /** `outlivesBoot`: the board keeps what was changed when it is restarted. */
  z.object({ kind: z.literal('run'), command: z.string(), args: z.array(z.string()), outlivesBoot: z.boolean() }),
]);
/** How one thing is set back: a file's former text (the kernel forgets its own at a restart), or a command. */
export type Undo = z.infer<typeof undoSchema>;

const journalSchema = z.object({ version: z.literal(1), bootId: z.string().nullable(), undo: z.array(undoSchema) });

/** A change of the board that is about to be made. */
export interface Change {
  undo: Undo[];
  /** @throws {HostError} where the board does not take it */
  apply(): Promise<void>;
}

export class ControlJournal {
  readonly #path: string;
  readonly #log: Logger;

  /** @param path of its file; the folder is made when it is needed */
  constructor(path: string, log: Logger) {
    this.#path = path;
    this.#log = log;
  }

  /**
   * Makes changes, does the work, and sets these back in reverse order, whatever happened. What could not be set back is
   * logged and stays in the journal: the work is done all the same.
   * @throws {HostError} where a change was not taken: those before it are set back
   */
  async during<T>(host: Host, changes: readonly Change[], work: () => Promise<T>): Promise<T> {
    const before = this.#read(host).length;
    try {
      for (const change of changes) {
        this.#write(host, [...this.#read(host), ...change.undo]);
        await change.apply();
      }
      return await work();
    } finally {
      await this.#restoreFrom(host, before).catch((error: Error) => this.#log.warn(error.message));
    }
  }

  /**
   * Sets back whatever the journal holds: after the work, and at the start of an agent for one that was killed.
   * @returns how much was set back
   * @throws {Error} naming what could not be set back: it stays in the journal
   */
  async restore(host: Host): Promise<number> {
    return this.#restoreFrom(host, 0);
  }

  async #restoreFrom(host: Host, first: number): Promise<number> {
    const all = this.#read(host);
    const kept = all.slice(0, first);
    let left = all.slice(first).reverse();
    // The kernel refuses a lower limit above the upper one: what failed is tried again when the rest is done.
    for (let pass = 0; pass < 2 && left.length > 0; pass++) left = await failing(host, left);
    this.#write(host, [...kept, ...left.toReversed()]);
    if (left.length > 0) {
      const what = left.map((undo) => (undo.kind === 'write' ? undo.path : [undo.command, ...undo.args].join(' ')));
      throw new Error(`could not set back ${what.join(', ')}: do it by hand, or restart the agent with the rights to`);
    }
    return all.length - first;
  }

  #read(host: Host): Undo[] {
    let text: string;
    try {
      text = readFileSync(this.#path, 'utf8');
    } catch {
      return [];
    }
    let journal: z.infer<typeof journalSchema>;
    try {
      journal = journalSchema.parse(JSON.parse(text));
    } catch {
      this.#log.warn(
        `${this.#path} is damaged: it was set aside as ${basename(this.#path)}.damaged; should clocks or the power mode not be as they were, start the board anew`,
      );
      renameSync(this.#path, `${this.#path}.damaged`);
      return [];
    }
    const { bootId, undo } = journal;
    return bootId === bootIdOf(host) ? undo : undo.filter((each) => each.kind === 'run' && each.outlivesBoot);
  }

  #write(host: Host, undo: Undo[]): void {
    if (undo.length === 0) rmSync(this.#path, { force: true });
    else writeDurably(this.#path, JSON.stringify({ version: 1, bootId: bootIdOf(host), undo }));
  }
}

function bootIdOf(host: Host): string | null {
  return readText(host, '/proc/sys/kernel/random/boot_id');
}

async function failing(host: Host, undos: readonly Undo[]): Promise<Undo[]> {
  const failed: Undo[] = [];
  for (const undo of undos) {
    try {
      if (undo.kind === 'write') host.write(undo.path, undo.text);
      else await host.run(undo.command, undo.args);
    } catch {
      failed.push(undo);
    }
  }
  return failed;
}
