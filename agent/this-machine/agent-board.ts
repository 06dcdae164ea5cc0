/** What an agent measures on: this machine for real (or a simulated board, see simulated-agent-board.ts). */
import { readFile } from 'node:fs/promises';
import type { BoardDescription } from '@edgetune/shared/domain/device.ts';
import type { Measurement } from '@edgetune/shared/domain/measurement.ts';
import type { Logger } from '@edgetune/shared/log/logger.ts';
import type { OnnxGraph } from '@edgetune/shared/onnx/graph.ts';
import { graphPrecision, precisionMismatch } from '@edgetune/shared/onnx/graph-precision.ts';
import { OnnxError } from '@edgetune/shared/onnx/onnx-error.ts';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import type { MeasureRequest } from '@edgetune/shared/protocol/job.ts';
import { type BoardOptions, boardSetup, withControls } from '../board/board-setup.ts';
import { temperatureC } from '../board/conditions.ts';
import { type MeasureContext, measureModel } from '../measure/measure-model.ts';
import { removeStaleGroups } from '../measure/process/memory-guard.ts';
import { RejectedError } from '../rejected-error.ts';
import { RUNNERS } from '../runners/all.ts';
import type { Runner } from '../runners/runner.ts';
import { boardState } from './board-state.ts';
import { describeBoard } from './describe-board.ts';

export interface AgentBoard {
  /** Called when the agent starts: sets back what one that was killed has left changed on the board, or says that it cannot. */
  setBack?(log: Logger): Promise<void>;
  /** As it is now. Cheap while nothing has changed; not called while something is measured. */
  describe(): Promise<BoardDescription>;
  /**
   * @throws {RejectedError} where this board can never run the request
   * @throws the signal's reason when it is aborted
   */
  measure(request: MeasureRequest, context: MeasureContext): Promise<Measurement>;
}

export interface MachineOptions extends BoardOptions {
  /** Those that it may have; absent: all that this agent knows. */
  runners?: readonly Runner[] | undefined;
}

/** This machine. A model that is no safe ONNX file, or not of the config's precision, is refused before a runtime sees it. */
export function thisMachine({ runners = RUNNERS, ...options }: MachineOptions = {}): AgentBoard {
  const setup = boardSetup(options);
  let last: { state: string; board: BoardDescription } | null = null;
  return {
    async setBack(log) {
      await removeStaleGroups(setup.host);
      try {
        const count = (await setup.controls?.journal.restore(setup.host)) ?? 0;
        if (count > 0) log.info(`set back ${count} settings of the board that an earlier run had changed`);
      } catch (error) {
        log.warn((error as Error).message);
      }
    },
    async describe() {
      // Looked at before: what changes meanwhile is seen the next time.
      const state = await boardState(setup, runners);
      if (last?.state === state) return { ...last.board, temperatureC: temperatureC(setup.host) };
      // In the power mode and with the clocks that it is measured with: cores and clocks differ between modes.
      const board = await withControls(setup, null, () => describeBoard(setup, { runners }));
      last = { state, board };
      return board;
    },
    async measure(request, context) {
      let graph: OnnxGraph;
      try {
        graph = readOnnx(new Uint8Array(await readFile(context.modelPath)));
      } catch (error) {
        if (error instanceof OnnxError) throw new RejectedError(error.message, { cause: error });
        throw error;
      }
      const mismatch = precisionMismatch(graphPrecision(graph), request.config);
      if (mismatch) throw new RejectedError(mismatch);
      return measureModel(request, context, setup);
    },
  };
}
