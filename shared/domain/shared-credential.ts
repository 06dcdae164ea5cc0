/** Two boards that use one credential, as after a card was copied: who they are, and what to do. */
import { z } from 'zod';
import type { BoardDescription } from './device.ts';

export const sharedCredentialSchema = z.object({
  /** The board that the device is. */
  first: z.string(),
  /** The one that is refused. */
  second: z.string(),
  /** When the second was heard last. */
  lastSeenAt: z.string(),
});
export type SharedCredential = z.infer<typeof sharedCredentialSchema>;

/** Which piece of hardware it is, for people: of one model there may be many. */
export function nameOfBoard({ model, hardware, machineId }: BoardDescription): string {
  return `${model}, ${hardware ?? `machine ${machineId.slice(0, 8)}`}`;
}

/** @param name of the device */
export function sharedCredentialText(name: string, { first, second }: Omit<SharedCredential, 'lastSeenAt'>): string {
  return `two boards use the credential of ${name}: ${first} (first) and ${second}, which is refused`;
}

export function sharedCredentialCure(name: string): string {
  return `join the second under a name of its own: run "edgetune device add ${name}-2" and paste its line on it. Where it is to take the place of the first: "edgetune device add ${name} --renew", or switch the first off and wait`;
}
