/** Values by name, each in a JSON file of a folder: they outlive the agent and the board. */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from '@edgetune/shared/log/logger.ts';
import { writeDurably } from '@edgetune/shared/runtime/durable-file.ts';
import type { z } from 'zod';

export interface JsonFolderOptions<T> {
  directory: string;
  /** What a file must hold: one that does not is set aside. */
  schema: z.ZodType<T>;
  /** Logged where a value cannot be written, with what then becomes of it. */
  inMemoryOnly: string;
  log: Logger;
}

export class JsonFolder<T> {
  readonly #options: JsonFolderOptions<T>;
  readonly #values = new Map<string, T>();

  constructor(options: JsonFolderOptions<T>) {
    this.#options = options;
    mkdirSync(options.directory, { recursive: true });
    for (const file of readdirSync(options.directory).sort()) if (file.endsWith('.json')) this.#read(file);
  }

  /** Those that were there before in the order of their names, then the others as they came. */
  values(): T[] {
    return [...this.#values.values()];
  }

  get(name: string): T | undefined {
    return this.#values.get(name);
  }

  /** @param name of the file, without its ending */
  set(name: string, value: T): void {
    // In memory first: where the disk is full, it is there as long as the agent runs.
    this.#values.set(name, value);
    try {
      writeDurably(this.#pathOf(name), JSON.stringify(value));
    } catch (error) {
      this.#options.log.warn(this.#options.inMemoryOnly, { error });
    }
  }

  delete(name: string): void {
    if (!this.#values.delete(name)) return;
    const path = this.#pathOf(name);
    try {
      rmSync(path, { force: true });
    } catch (error) {
      this.#options.log.warn(`${path} cannot be removed`, { error });
    }
  }

  #read(file: string): void {
    const path = join(this.#options.directory, file);
    try {
      const value = this.#options.schema.parse(JSON.parse(readFileSync(path, 'utf8')));
      this.#values.set(file.slice(0, -'.json'.length), value);
    } catch {
      this.#options.log.warn(`${path} is damaged: it was set aside as ${file}.damaged`);
      renameSync(path, `${path}.damaged`);
    }
  }

  #pathOf(name: string): string {
    return join(this.#options.directory, `${name}.json`);
  }
}
