/**
 * Energy of training, estimated: CPU-seconds × the power of a busy core. 12 W a core is what the Green Algorithms
 * calculator takes for a processor it does not know (Lannelongue, Grealey & Inouye, "Green Algorithms: Quantifying the
 * Carbon Footprint of Computation", Advanced Science 2021, doi 10.1002/advs.202100707).
 */
export const WATTS_PER_BUSY_CORE = 12;

/** @returns joules */
export function estimateTrainingEnergyJ(cpuSeconds: number): number {
  return cpuSeconds * WATTS_PER_BUSY_CORE;
}
