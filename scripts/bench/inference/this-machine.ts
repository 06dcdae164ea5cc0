/** This machine, really measured. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { boardSetup } from '../../../agent/board/board-setup.ts';
import { measureModel } from '../../../agent/measure/measure-model.ts';
import { describeBoard } from '../../../agent/this-machine/describe-board.ts';
import { type BoardUnderTest, boardUnderTest, NEVER } from './board-under-test.ts';

export async function thisMachine(): Promise<BoardUnderTest> {
  const setup = boardSetup({ toleratesLoad: true });
  const board = await describeBoard(setup);
  const folder = mkdtempSync(join(tmpdir(), 'edgetune-bench-'));
  return boardUnderTest('this-machine', board, (model, request) => {
    const modelPath = join(folder, `${model.sha256}.onnx`);
    writeFileSync(modelPath, model.bytes);
    return measureModel(request, { board, modelPath, signal: NEVER }, setup);
  });
}
