/**
 * What agents have learned since the first version of the protocol. An agent tells it with its board; what it does not
 * tell, it cannot do, and would wait for in vain: the coordinator does not send it such jobs.
 */
import type { BoardDescription } from '../domain/device.ts';
import type { MeasureRequest } from './job.ts';

/** `highest-rate`: the server scenario with `p99BoundMs` instead of a rate. */
export const AGENT_FEATURES = ['highest-rate'] as const;
export type AgentFeature = (typeof AGENT_FEATURES)[number];

function featuresOf({ scenario }: Pick<MeasureRequest, 'scenario'>): AgentFeature[] {
  return scenario.kind === 'server' && scenario.p99BoundMs !== undefined ? ['highest-rate'] : [];
}

const WHAT: Readonly<Record<AgentFeature, string>> = {
  'highest-rate': 'search the highest rate that keeps a p99 bound: give a fixed rate (arrivalsPerS)',
};

/** Why the board's agent cannot take this job, or null. */
export function missingFeature(
  { agentVersion, agentFeatures = [] }: Pick<BoardDescription, 'agentVersion' | 'agentFeatures'>,
  request: Pick<MeasureRequest, 'scenario'>,
): string | null {
  const missing = featuresOf(request).find((feature) => !agentFeatures.includes(feature));
  return missing ? `its agent, version ${agentVersion}, cannot ${WHAT[missing]}, or update the agent` : null;
}
