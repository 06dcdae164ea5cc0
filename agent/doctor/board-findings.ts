/** What this board can measure and control. */
import { thisMachine } from '../session/agent-board.ts';
import { type Finding, good, missing } from './finding.ts';

export async function boardFindings(): Promise<Finding[]> {
  const board = await thisMachine().describe();
  return [
    good('board', `${board.model}, ${board.cpuModel}, ${board.physicalCores} cores, ${board.os}`),
    board.powerMeter
      ? good('power meter', board.powerMeter)
      : missing('power meter', 'none: measurements have no energy', 'connect an INA219 or INA226, or a smart plug'),
  ];
}
