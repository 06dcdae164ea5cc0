/** What a board has of the Python runner: none, one that can be used, or one that cannot, with the reason. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { systemHost } from '../../../agent/board/system-host.ts';
import { onnxruntimePython } from '../../../agent/runners/onnxruntime-python.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const skip = spawnSync('python3', ['--version'], { timeout: 10_000 }).status === 0 ? false : 'there is no python3 here';

/** Probes a Python that has these modules, and none of those that are installed. */
async function probe(t: TestContext, modules: Record<string, string>) {
  const folder = temporaryFolder(t, modules);
  const python = join(temporaryFolder(t), 'python3');
  writeFileSync(python, `#!/bin/sh\nPYTHONPATH='${folder}' exec python3 -S "$@"\n`);
  chmodSync(python, 0o755);
  const before = process.env.EDGETUNE_AGENT_PYTHON;
  process.env.EDGETUNE_AGENT_PYTHON = python;
  t.after(() => {
    if (before === undefined) delete process.env.EDGETUNE_AGENT_PYTHON;
    else process.env.EDGETUNE_AGENT_PYTHON = before;
  });
  return onnxruntimePython.probe(systemHost());
}

const ONNXRUNTIME = `__version__ = '1.2.3'
def get_available_providers():
    return ['CUDAExecutionProvider', 'CPUExecutionProvider', 'OtherExecutionProvider']
`;
const NUMPY = "__version__ = '2.0'\n";

describe('the probe of the Python runner', { skip }, () => {
  it('tells the version and what it executes on', async (t) => {
    const found = await probe(t, { 'onnxruntime.py': ONNXRUNTIME, 'numpy.py': NUMPY });
    assert.ok(found && 'version' in found, JSON.stringify(found));
    assert.deepEqual([found.version, found.executionProviders], ['1.2.3', ['cpu', 'cuda']]);
  });

  it('is none where Python has no onnxruntime, whatever else it has', async (t) => {
    assert.equal(await probe(t, { 'numpy.py': NUMPY }), null);
    assert.equal(await probe(t, {}), null);
  });

  it('says why one that is there cannot be used', async (t) => {
    const cuda = 'libcudart.so.12: cannot open shared object file';
    for (const [modules, why] of [
      [
        { 'onnxruntime.py': `raise ImportError(${JSON.stringify(cuda)})`, 'numpy.py': NUMPY },
        /cannot be imported: libcudart/,
      ],
      [{ 'onnxruntime.py': `import numpy\n${ONNXRUNTIME}` }, /cannot be imported: No module named 'numpy'/],
      [{ 'onnxruntime.py': ONNXRUNTIME }, /cannot be imported: No module named 'numpy'/],
      [{ 'onnxruntime.py': 'raise RuntimeError', 'numpy.py': NUMPY }, /cannot be imported: RuntimeError/],
    ] as [Record<string, string>, RegExp][]) {
      const found = await probe(t, modules);
      assert.ok(found && 'why' in found, JSON.stringify(found));
      assert.match(found.why, why);
      assert.match(found.how, /EDGETUNE_AGENT_PYTHON/);
    }
  });
});
