/**
 * The power mode of a Jetson: `nvpmodel` sets which cores are on and how high their clocks, the GPU's and the memory's may
 * go (https://docs.nvidia.com/jetson/archives/r36.3/DeveloperGuide/SD/PlatformPowerAndPerformance.html, "nvpmodel").
 */
import { type Host, HostError, runText } from '../host.ts';
import type { Change } from './control-journal.ts';

export interface PowerMode {
  id: number;
  name: string;
}

/** From `nvpmodel -q`: "NV Power Mode: MAXN" and its number on the next line. Null on boards that have no modes. */
export async function currentPowerMode(host: Host): Promise<PowerMode | null> {
  const match = /NV Power Mode:\s*(\S.*)\n\s*(\d+)/.exec((await runText(host, 'nvpmodel', ['-q'])) ?? '');
  return match ? { id: Number(match[2]), name: (match[1] as string).trim() } : null;
}

/** From `nvpmodel -p --verbose`: "NVPM VERB: POWER_MODEL: ID=0 NAME=MAXN". */
export async function powerModes(host: Host): Promise<PowerMode[]> {
  const text = (await runText(host, 'nvpmodel', ['-p', '--verbose'])) ?? '';
  return [...text.matchAll(/POWER_MODEL: ID=(\d+) NAME=(\S+)/g)].map((match) => ({
    id: Number(match[1]),
    name: match[2] as string,
  }));
}

/**
 * Changes the power mode by its name. Modes that need a restart of the board are refused: `nvpmodel` asks for it on its
 * standard input, which is closed, and leaves the mode as it is.
 * @throws {RangeError} where the board has no such mode, naming those that it has
 */
export async function switchPowerMode(host: Host, name: string): Promise<Change | null> {
  const [modes, current] = [await powerModes(host), await currentPowerMode(host)];
  const mode = modes.find((each) => each.name === name);
  if (!mode || !current)
    throw new RangeError(
      modes.length === 0
        ? 'this board has no power modes (nvpmodel is not there)'
        : `this board has no power mode "${name}": it has ${modes.map((each) => each.name).join(', ')}`,
    );
  if (mode.id === current.id) return null;
  return {
    undo: [{ kind: 'run', command: 'nvpmodel', args: ['-m', String(current.id)], outlivesBoot: true }],
    async apply() {
      await host.run('nvpmodel', ['-m', String(mode.id)]);
      const now = await currentPowerMode(host);
      if (now?.id !== mode.id)
        throw new HostError(
          'failed',
          `the board stayed in power mode ${now?.name}: ${name} may need a restart of the board`,
        );
    },
  };
}
