/** How the tests have each runner: the contract suite runs over the list of runners, and looks here by name. */
import type { TestContext } from 'node:test';
import type { ExecutionProvider } from '@edgetune/shared/domain/inference-config.ts';
import { pythonForTests } from '../../../support/measuring.ts';
import { fakeTrtexec } from './fake-trtexec.ts';

export interface Provision {
  executionProvider: ExecutionProvider;
  /** Makes the runner, or what stands in for it, available; returns why it cannot be. */
  provide(t: Pick<TestContext, 'after'>): string | null;
  /** Whether another load than back-to-back queries can be played. */
  playsAll: boolean;
}

export const PROVISIONS: Readonly<Record<string, Provision>> = {
  'onnxruntime-node': { executionProvider: 'cpu', provide: () => null, playsAll: true },
  'onnxruntime-python': {
    executionProvider: 'cpu',
    provide(t) {
      const found = pythonForTests();
      return 'reason' in found ? found.reason : withEnvironment(t, 'EDGETUNE_AGENT_PYTHON', found.python);
    },
    playsAll: true,
  },
  trtexec: {
    executionProvider: 'tensorrt',
    provide: (t) => withEnvironment(t, 'EDGETUNE_AGENT_TRTEXEC', fakeTrtexec(t).path),
    playsAll: false,
  },
};

function withEnvironment(t: Pick<TestContext, 'after'>, name: string, value: string): null {
  const before = process.env[name];
  process.env[name] = value;
  t.after(() => {
    if (before === undefined) delete process.env[name];
    else process.env[name] = before;
  });
  return null;
}
