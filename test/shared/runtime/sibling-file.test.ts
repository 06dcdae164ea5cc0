/** What lies beside a file is read; nothing else is, however it is named. */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { readSibling, SiblingFileError } from '@edgetune/shared/runtime/sibling-file.ts';
import { runProgram } from '../../support/programs.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

it('files of the folder and below it are read, by whatever path the file itself was named', (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'weights'));
  writeFileSync(join(folder, 'weights', 'a.bin'), 'abc');
  writeFileSync(join(folder, '..data'), 'de');
  symlinkSync(join(folder, 'weights', 'a.bin'), join(folder, 'link'));
  const model = join(folder, 'm.onnx');
  for (const location of ['weights/a.bin', './weights/a.bin', 'link'])
    assert.equal(Buffer.from(readSibling(model, location)).toString(), 'abc');
  assert.equal(Buffer.from(readSibling(model, '..data')).toString(), 'de');
  symlinkSync(folder, `${folder}-link`);
  t.after(() => rmSync(`${folder}-link`));
  assert.equal(Buffer.from(readSibling(join(`${folder}-link`, 'm.onnx'), 'weights/a.bin')).toString(), 'abc');
});

it('nothing outside is, and what is there is a file of enough bytes', async (t) => {
  const outside = temporaryFolder(t);
  const folder = join(outside, 'inside');
  mkdirSync(folder);
  writeFileSync(join(outside, 'secret'), 'secret');
  writeFileSync(join(folder, 'short'), 'abc');
  symlinkSync(join(outside, 'secret'), join(folder, 'link'));
  symlinkSync(outside, join(folder, 'up'));
  await runProgram('mkfifo', [join(folder, 'pipe')]);
  const model = join(folder, 'm.onnx');
  const refused = (location: string, why: RegExp, leastBytes = 0) =>
    assert.throws(
      () => readSibling(model, location, leastBytes),
      (error: Error) => error instanceof SiblingFileError && why.test(error.message),
      location,
    );
  for (const location of [
    '../secret',
    'x/../../secret',
    join(outside, 'secret'),
    '/etc/passwd',
    'link',
    'up/secret',
    '..',
    '.',
    'a\0b',
    '..\\secret',
  ])
    refused(location, /which is outside its folder: nothing outside is read/);
  refused('missing.data', /"missing.data", which is not there: copy it into .*inside, too/);
  refused('pipe', /which is no file/);
  refused('short', /which has 3 bytes where it needs 4/, 4);
});
