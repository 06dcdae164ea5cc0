/** What is done to a data directory while no coordinator uses it. */
import type { CoordinatorIdentity } from '@edgetune/shared/protocol/coordinator-identity.ts';
import { rotateKey } from './config/identity.ts';
import { lockDirectory } from './store/directory-lock.ts';

/**
 * Replaces the key by which boards know the coordinator.
 * @throws {Error} where a coordinator uses the directory, or it has no identity
 */
export function replaceKey(dataDir: string): CoordinatorIdentity {
  const unlock = lockDirectory(dataDir);
  try {
    return rotateKey(dataDir).coordinator;
  } finally {
    unlock();
  }
}
