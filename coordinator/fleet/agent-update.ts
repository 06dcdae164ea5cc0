/** Which agents are offered a newer version of themselves. */
import { type HelloMessage, releaseName, type UpdateOffer } from '@edgetune/shared/protocol/messages.ts';
import { isNewer } from '@edgetune/shared/protocol/release-version.ts';
import { type AgentRelease, PLATFORMS } from './agent-release.ts';
import type { FleetIdentity } from './fleet-identity.ts';

/**
 * The packed agent as an offer, signed; null where it is not newer than `version`, has failed on that board before, or
 * there is none for its platform.
 * @throws {Error} where it cannot be put together
 */
export async function offerFor(
  version: string,
  { release, platform, failed }: NonNullable<HelloMessage['update']>,
  releases: AgentRelease,
  identity: Pick<FleetIdentity, 'sign'>,
): Promise<UpdateOffer | null> {
  const newest = await releases.version();
  const known = PLATFORMS.find((each) => each === platform);
  if (newest === null || known === undefined || !isNewer(newest, version)) return null;
  const { sha256, bytes } = await releases.agentFor(known);
  if ([release, failed?.release].includes(releaseName({ version: newest, sha256 }))) return null;
  const proof = identity.sign({ kind: 'release', version: newest, platform: known, sha256, bytes });
  return { version: newest, path: `/install/agent-${known}.tgz`, sha256, proof };
}

/**
 * Why this agent is not to be offered an update, and what to do, as the end of a sentence; null: it is.
 * @param coordinator as whom it knows its coordinator: undefined where it is of a version before that
 * @param own this coordinator
 * @param isEncrypted whether whatever the agent hears is this coordinator's, because it comes over TLS and its own broker
 */
export function updateRefusal(
  coordinator: HelloMessage['coordinator'],
  own: FleetIdentity['coordinator'],
  isEncrypted: boolean,
): string | null {
  const again = 'paste the line of "edgetune device add NAME --renew" on the board';
  if (coordinator === undefined)
    return isEncrypted
      ? null
      : `it is too old to tell this coordinator from whoever else could offer it a program, and it is not reached by TLS alone: ${again}`;
  if (coordinator === null)
    return `it joined before updates were signed, and has no key yet to check them with. Over TLS it takes it by itself as it starts; without, ${again}`;
  return coordinator.id === own.id ? null : `it knows another coordinator (${coordinator.id}) as its own: ${again}`;
}
