/** An export is unpacked into its folder and nowhere else. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { zipSync } from 'fflate';
import { writeExport } from '../../../coordinator/cli/commands/study.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

it('writes the files of an export under their folder', (t) => {
  const out = join(temporaryFolder(t), 'out');
  const [path] = writeExport(zipSync({ 'model-1/model.onnx': new Uint8Array([7]) }), out);
  assert.equal(path, join(out, 'model-1', 'model.onnx'));
  assert.deepEqual([...readFileSync(path as string)], [7]);
});

for (const name of ['../escaped.txt', 'a/../../escaped.txt', '/escaped.txt', '../out-beside/escaped.txt']) {
  it(`writes nothing where a file is called ${name}`, (t) => {
    const folder = temporaryFolder(t);
    const zip = zipSync({ 'good.txt': new Uint8Array([1]), [name]: new Uint8Array([1]) });
    assert.throws(() => writeExport(zip, join(folder, 'out')), /would lie outside of/);
    assert.ok(!existsSync(join(folder, 'out', 'good.txt')));
  });
}
