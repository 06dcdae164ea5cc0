/** What every command that talks to a coordinator needs. */
import type { Command } from 'commander';
import { type Client, createClient } from '../client.ts';

/** Documented in the help: 0 done, 1 failed, 2 wrong usage or input, 3 no coordinator. */
export const EXIT = { failed: 1, usage: 2, unreachable: 3 } as const;

export function withServer(command: Command): Command {
  return command
    .option(
      '--server <url>',
      'the coordinator (or EDGETUNE_SERVER)',
      process.env.EDGETUNE_SERVER ?? 'http://localhost:8080',
    )
    .option(
      '--pin <sha256//…>',
      'its public key, where it encrypts with one that no authority vouches for (or EDGETUNE_PIN)',
      process.env.EDGETUNE_PIN,
    )
    .option(
      '--token <token>',
      'its admin token, where it has one (or EDGETUNE_TOKEN)',
      process.env.EDGETUNE_TOKEN ?? process.env.EDGETUNE_ADMIN_TOKEN,
    );
}

export interface ServerOptions {
  server: string;
  token?: string;
  pin?: string;
}

export function clientOf({ server, token, pin }: ServerOptions): Client {
  return createClient({ server, token, pin });
}

/** Says what a piece of work waits for by itself, each reason once. */
export function sayWaiting(what: string): (reason: string | null | undefined) => void {
  let said: string | null = null;
  return (reason) => {
    if (reason && reason !== said) console.error(`edgetune: ${what} waits: ${reason}`);
    said = reason ?? null;
  };
}

export function printJson(value: unknown): void {
  console.log(JSON.stringify(value, null, 2));
}
