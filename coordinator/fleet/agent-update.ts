/** Which agents are offered a newer version of themselves. */
import { type HelloMessage, releaseName, type UpdateOffer } from '@edgetune/shared/protocol/messages.ts';
import { type AgentRelease, PLATFORMS } from './agent-release.ts';

/**
 * The packed agent as an offer; null where it is not newer than `version`, has failed on that board before, or there is
 * none for its platform.
 * @throws {Error} where it cannot be put together
 */
export async function offerFor(
  version: string,
  { release, platform, failed }: NonNullable<HelloMessage['update']>,
  releases: AgentRelease,
): Promise<UpdateOffer | null> {
  const newest = await releases.version();
  const known = PLATFORMS.find((each) => each === platform);
  if (newest === null || known === undefined || !isNewer(newest, version)) return null;
  const { sha256 } = await releases.agentFor(known);
  const offer = { version: newest, path: `/install/agent-${known}.tgz`, sha256 };
  return [release, failed?.release].includes(releaseName(offer)) ? null : offer;
}

/** Compares versions of the form 1.2.3 number by number. */
export function isNewer(version: string, than: string): boolean {
  const numbers = (text: string) => text.split('.').map((part) => Number.parseInt(part, 10) || 0);
  const [ours, theirs] = [numbers(version), numbers(than)];
  const differs = ours.findIndex((part, index) => part !== (theirs[index] ?? 0));
  return differs >= 0 && (ours[differs] as number) > (theirs[differs] ?? 0);
}
