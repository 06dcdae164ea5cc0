/** What changes the fleet: adding, joining, renaming, removing devices. */
import type { ManagedFleet } from './create-fleet.ts';

export type FleetAdmin = Pick<
  ManagedFleet,
  'addDevice' | 'renewToken' | 'enroll' | 'rename' | 'remove' | 'verifyCredential' | 'proofOfRemoval'
>;
