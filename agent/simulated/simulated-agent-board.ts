/** A simulated board as what an agent measures on; apart from the real one, so that a real board does not load it. */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { parseBoardProfile } from '@edgetune/shared/costmodel/board-profile.ts';
import { boardProfileNamed } from '@edgetune/shared/costmodel/board-profiles.ts';
import type { AgentBoard } from '../this-machine/agent-board.ts';
import { AGENT_VERSION } from '../version.ts';
import { createSimulatedBoard } from './simulated-board.ts';

/**
 * @param options.profile name of a board profile that EdgeTune brings, or path of one as YAML
 * @throws {Error} where there is no such profile, naming those that there are, or the file is none
 */
export function simulatedBoard(options: {
  profile: string;
  timeScale: number;
  seed: number | string;
  powerMode?: string | undefined;
}): AgentBoard {
  const { profile: name, powerMode, ...rest } = options;
  const profile = /\.ya?ml$/.test(name) ? parseBoardProfile(readFileSync(name, 'utf8')) : boardProfileNamed(name);
  const board = createSimulatedBoard({
    ...rest,
    profile,
    agentVersion: AGENT_VERSION,
    ...(powerMode === undefined ? {} : { powerMode }),
  });
  return {
    describe: async () => board.describe(),
    async measure(request, { modelPath, signal, mayBegin }) {
      const bytes = new Uint8Array(await readFile(modelPath));
      await mayBegin?.();
      return board.measure(request, bytes, signal);
    },
  };
}
