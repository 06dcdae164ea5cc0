/** The published error of a board that nobody has compared: that of predicting one board from another. */
import type { BoardProfile } from '../board-profile.ts';

export const TRANSFER_ESTIMATE: BoardProfile['error'] = {
  latencyMape: 0.29,
  energyMape: 0.35,
  memoryMape: 0.2,
  comparedWith:
    'estimate: a Raspberry Pi 4 and a Jetson Nano predicted in the same way (Cortex-A76 kernels scaled by what is known of the core) are off by 29 % on average under ONNX Runtime (npm run bench:boards); power as published, give or take 20 %',
  estimated: ['latency', 'energy', 'memory'],
};
