/** The rooms of the house from the ground up, each with what it may import. */

export interface Room {
  /** Rooms below it whose files it may import; its own may always import each other. */
  may: readonly string[];
  /** Rooms below it of which it may import types only. */
  types?: readonly string[];
  /** Folders inside it that are no rooms of their own. */
  folders?: readonly string[];
  /** True: bytes and values in, values out; no files, sockets, processes or clocks of Node.js. */
  pure?: boolean;
}

const SHARED = ['shared/math', 'shared/log', 'shared/domain', 'shared/onnx', 'shared/costmodel', 'shared/protocol'];
const ANY_SHARED = [...SHARED, 'shared/runtime'];
const BOARD = ['agent', 'agent/board'];

/** From the ground up: a room may import only rooms that stand before it, so that no arrow runs up and none in a circle. */
export const ROOMS: Record<string, Room> = {
  'shared/math': { may: [], pure: true },
  'shared/log': { may: [], pure: true },
  'shared/domain': { may: [], pure: true },
  'shared/onnx': { may: ['shared/domain'], folders: ['shape-rules'], pure: true },
  'shared/costmodel': { may: ['shared/math', 'shared/domain', 'shared/onnx'], folders: ['profiles'], pure: true },
  'shared/protocol': { may: ['shared/domain', 'shared/costmodel'], pure: true },
  'shared/runtime': { may: [] },

  agent: { may: ['shared/runtime'] },
  'agent/board': {
    may: ['agent', 'shared/log', 'shared/domain', 'shared/runtime'],
    folders: ['controls', 'power', 'warnings'],
  },
  'agent/runners': {
    may: ['agent/board', 'shared/math', 'shared/domain', 'shared/onnx', 'shared/runtime'],
    types: ['shared/protocol'],
    folders: ['python', 'trtexec'],
  },
  'agent/measure/window': { may: ['agent/board', 'shared/math', 'shared/domain'], types: ['shared/protocol'] },
  'agent/measure/process': {
    may: [...BOARD, 'agent/runners', 'agent/measure/window', 'shared/domain', 'shared/protocol', 'shared/runtime'],
  },
  'agent/measure': {
    may: [...BOARD, 'agent/measure/window', 'agent/measure/process', 'shared/domain'],
    types: ['shared/protocol'],
  },
  'agent/this-machine': {
    may: [
      ...BOARD,
      'agent/runners',
      'agent/measure',
      'agent/measure/process',
      'shared/onnx',
      'shared/protocol',
      'shared/runtime',
    ],
    types: ['shared/log', 'shared/domain'],
  },
  'agent/simulated': { may: ['agent', 'agent/measure/window', ...SHARED], types: ['agent/this-machine'] },
  'agent/enrolment': { may: ['shared/domain', 'shared/protocol', 'shared/runtime'], types: ['shared/log'] },
  'agent/update': {
    may: ['agent', 'agent/runners', 'agent/this-machine', 'shared/protocol', 'shared/runtime'],
    types: ['agent/enrolment', 'shared/log'],
  },
  'agent/session': {
    may: ['agent', 'agent/enrolment', 'agent/update', 'shared/domain', 'shared/protocol', 'shared/runtime'],
    types: ['agent/this-machine', 'shared/log'],
  },
  'agent/doctor': {
    may: [
      ...BOARD,
      'agent/enrolment',
      'agent/update',
      'agent/session',
      'agent/this-machine',
      'shared/domain',
      'shared/runtime',
    ],
  },
  'agent/cli': {
    may: [
      ...BOARD,
      'agent/doctor',
      'agent/enrolment',
      'agent/runners',
      'agent/session',
      'agent/simulated',
      'agent/this-machine',
      'agent/update',
      ...ANY_SHARED,
    ],
    folders: ['commands'],
  },

  'coordinator/tuner': {
    may: ['shared/math', 'shared/domain'],
    folders: [
      'samplers',
      'samplers/bayesian',
      'samplers/evolution',
      'samplers/parzen',
      'samplers/unguided',
      'schedulers',
    ],
    pure: true,
  },
  'coordinator/ask-tell': { may: ['coordinator/tuner', ...ANY_SHARED] },
  'coordinator/lifecycle': { may: [] },
  'coordinator/export': {
    may: ['coordinator/lifecycle', 'shared/math', 'shared/domain', 'shared/onnx', 'shared/runtime'],
  },
  'coordinator/training': {
    may: [
      'coordinator/lifecycle',
      'coordinator/export',
      'shared/math',
      'shared/domain',
      'shared/onnx',
      'shared/runtime',
    ],
    types: ['shared/log'],
    folders: [
      'backends',
      'datasets',
      'datasets/decode',
      'datasets/finish',
      'datasets/formats',
      'datasets/process',
      'datasets/source',
      'workloads',
    ],
  },
  'coordinator/broker': { may: ['shared/log', 'shared/protocol', 'shared/runtime'] },
  'coordinator/fleet': {
    may: ['coordinator/lifecycle', 'coordinator/broker', 'shared/domain', 'shared/protocol'],
    types: ['shared/log'],
  },
  'coordinator/inference/predictor': { may: ['shared/math', 'shared/domain', 'shared/onnx'] },
  'coordinator/inference/search': { may: ['coordinator/inference/predictor', 'shared/math', 'shared/domain'] },
  'coordinator/inference/inspector': {
    may: ['coordinator/inference/predictor', 'shared/domain', 'shared/onnx', 'shared/runtime'],
  },
  'coordinator/inference': {
    may: [
      'coordinator/lifecycle',
      'coordinator/inference/inspector',
      'coordinator/inference/predictor',
      'coordinator/inference/search',
      'coordinator/fleet',
      ...SHARED,
    ],
  },
  'coordinator/bench': {
    may: ['coordinator/lifecycle', 'coordinator/inference', 'coordinator/inference/search', ...SHARED],
    types: ['coordinator/inference/inspector'],
  },
  'coordinator/study/state': {
    may: ['coordinator/tuner', 'shared/domain'],
    types: ['coordinator/inference', 'shared/protocol'],
  },
  'coordinator/study/devices': { may: ['coordinator/fleet', 'shared/domain'] },
  'coordinator/study/context': {
    may: ['coordinator/training', 'shared/domain'],
    types: [
      'coordinator/study/state',
      'coordinator/study/devices',
      'coordinator/fleet',
      'coordinator/inference',
      'coordinator/tuner',
      'shared/onnx',
    ],
  },
  'coordinator/study/trial': {
    may: [
      'coordinator/study/state',
      'coordinator/study/devices',
      'coordinator/study/context',
      'coordinator/inference/predictor',
      'coordinator/training',
      'coordinator/tuner',
      'shared/domain',
    ],
    types: ['coordinator/inference'],
  },
  'coordinator/study/outcome': {
    may: [
      'coordinator/study/state',
      'coordinator/study/devices',
      'coordinator/study/context',
      'coordinator/inference/search',
      'coordinator/tuner',
      'shared/domain',
      'shared/math',
    ],
    types: ['coordinator/inference', 'shared/protocol'],
  },
  'coordinator/study': {
    may: [
      'coordinator/study/state',
      'coordinator/study/devices',
      'coordinator/study/context',
      'coordinator/study/trial',
      'coordinator/study/outcome',
      'coordinator/lifecycle',
      'coordinator/tuner',
      'shared/domain',
      'shared/protocol',
    ],
    types: ['coordinator/fleet', 'shared/log'],
  },
  // The store knows those who need it by the interfaces that lie beside them.
  'coordinator/store': {
    may: ['coordinator/lifecycle', 'shared/domain', 'shared/log', 'shared/protocol'],
    types: [
      'coordinator/ask-tell',
      'coordinator/bench',
      'coordinator/fleet',
      'coordinator/inference',
      'coordinator/study/context',
      'coordinator/study/state',
    ],
    folders: ['migrations'],
  },
  'coordinator/api': {
    may: [
      'coordinator/ask-tell',
      'coordinator/bench',
      'coordinator/fleet',
      'coordinator/lifecycle',
      'coordinator/study',
      'coordinator/study/state',
      'coordinator/tuner',
      ...ANY_SHARED,
    ],
    types: ['coordinator/study/context'],
  },
  'coordinator/dashboard': {
    may: ['shared/domain', 'shared/protocol'],
    folders: ['api', 'bench', 'components', 'fleet', 'new-study', 'pages', 'state', 'study'],
  },
  'coordinator/config': { may: ['shared/log', 'shared/domain', 'shared/protocol', 'shared/runtime'] },
  // main.ts composes: the only place that knows everyone.
  coordinator: {
    may: [
      'coordinator/api',
      'coordinator/ask-tell',
      'coordinator/bench',
      'coordinator/broker',
      'coordinator/config',
      'coordinator/export',
      'coordinator/fleet',
      'coordinator/inference',
      'coordinator/inference/inspector',
      'coordinator/store',
      'coordinator/study',
      'coordinator/training',
      'coordinator/tuner',
      ...ANY_SHARED,
    ],
  },
  'coordinator/cli': {
    may: [
      'coordinator',
      'coordinator/lifecycle',
      'coordinator/ask-tell',
      'coordinator/config',
      'coordinator/export',
      'coordinator/training',
      ...ANY_SHARED,
    ],
    folders: ['commands', 'render'],
  },
};

/** What a room may import, as its README says it. */
export function importsLine({ may, types = [] }: Room): string {
  const named = (rooms: readonly string[]) => {
    const all = ANY_SHARED.every((room) => rooms.includes(room));
    const pure = !all && SHARED.every((room) => rooms.includes(room));
    const rest = rooms.filter((room) => !((all || pure) && ANY_SHARED.includes(room))).map((room) => `\`${room}\``);
    return [...rest, ...(all ? ['all of `shared`'] : pure ? ['all of `shared` but `shared/runtime`'] : [])].join(', ');
  };
  const ofTypes = types.length > 0 ? `; of types only: ${named(types)}` : '';
  return `May import: ${may.length > 0 ? named(may) : 'nothing else of ours'}${ofTypes}.`;
}
