/** What a data set is, and what no reading of one may cost. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { zipSync } from 'fflate';
import { readDataset } from '../../../../coordinator/training/datasets/read-dataset.ts';
import { DataSource } from '../../../../coordinator/training/datasets/source/data-source.ts';
import { changesSince, changesText } from '../../../../coordinator/training/datasets/source/identity.ts';
import { LIMITS, sizeText } from '../../../../coordinator/training/datasets/source/limits.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { readFile, readFolder, refused } from '../support/refusals.ts';
import { barRows, pictures } from '../support/small-datasets.ts';

const LATER = new Date(Date.now() + 60_000);

async function folder(t: TestContext) {
  const path = temporaryFolder(t, await pictures());
  const identity = async () => (await readDataset({ format: 'image-folder', path })).identity;
  return { path, identity, known: await identity() };
}

describe('the identity of a data set', () => {
  it('is its paths and contents, whatever the times and whatever lies beside it', async (t) => {
    const { path, identity, known } = await folder(t);
    assert.match(known.sha256, /^[0-9a-f]{64}$/);
    utimesSync(join(path, 'above/0.png'), LATER, LATER);
    writeFileSync(join(path, 'notes.txt'), 'my photos');
    assert.equal((await identity()).sha256, known.sha256);
    assert.equal(await changesSince(known, LIMITS), null);
    // It has the new time now: contents are not read again.
    assert.ok(known.files.some(({ mtimeMs }) => Math.abs(mtimeMs - LATER.getTime()) < 1));
  });

  it('is another where a file is corrected, added, removed or renamed; which, is said', async (t) => {
    for (const [change, expected] of [
      [(at: string) => writeFileSync(join(at, 'above/0.png'), 'x'), '1 of its 60 files has changed (above/0.png)'],
      [(at: string) => rmSync(join(at, 'above/2.png')), '1 of its 60 files is gone (above/2.png)'],
      [(at: string) => writeFileSync(join(at, 'below/new.jpg'), 'x'), '1 is new (below/new.jpg)'],
      [
        (at: string) => rmSync(at, { recursive: true }),
        '60 of its 60 files are gone (above/0.png, above/10.png, above/12.png, …)',
      ],
    ] as const) {
      const { path, known } = await folder(t);
      change(path);
      const changes = await changesSince(known, LIMITS);
      assert.equal(changes && changesText(changes, known), expected);
    }
  });

  it('a file of the same size and another content is another; one with its time put back is found by its size', async (t) => {
    const path = temporaryFolder(t, { 'x.csv': barRows() });
    const file = join(path, 'x.csv');
    const { identity } = await readDataset({ format: 'auto', path: file });
    writeFileSync(file, barRows().replace('200', '201'));
    utimesSync(file, LATER, LATER);
    assert.equal(
      changesText((await changesSince(identity, LIMITS)) as never, identity),
      '1 of its 1 files has changed',
    );
    writeFileSync(file, barRows());
    assert.equal(await changesSince(identity, LIMITS), null);
  });

  it('a file of class names that comes later makes another data set', async (t) => {
    const read = await readFolder(t, {
      'train.csv': `text,label\n${Array.from({ length: 60 }, (_, i) => `"word ${i}",${i % 2}`).join('\n')}`,
    });
    writeFileSync(join(read.identity.root as string, 'classes.txt'), 'no\nyes\n');
    assert.deepEqual((await changesSince(read.identity, LIMITS))?.added, ['classes.txt']);
  });

  it('of what EdgeTune draws itself it is a function of the settings', async () => {
    const hash = async (seed: number) =>
      (await readDataset({ format: 'synthetic-images', samples: 300, seed })).identity;
    assert.equal((await hash(1)).sha256, (await hash(1)).sha256);
    assert.notEqual((await hash(1)).sha256, (await hash(2)).sha256);
    assert.equal(await changesSince(await hash(1), LIMITS), null);
  });
});

describe('what is no data set', () => {
  const limits = { ...LIMITS, files: 50, fileBytes: 100_000, imagePixels: 1000 };
  const read = (path: string) => readDataset({ format: 'auto', path }, undefined, limits);

  it('a FIFO and a device are refused at once, also inside of a folder', async (t) => {
    const path = temporaryFolder(t, { 'train.csv': '' });
    execFileSync('mkfifo', [join(path, 'pipe'), join(path, 'test.csv')], { timeout: 10_000 });
    await assert.rejects(read(join(path, 'pipe')), refused(/pipe is no regular file \(a device, a pipe or a socket\)/));
    await assert.rejects(read('/dev/zero'), refused(/\/dev\/zero is no regular file/));
    // In a folder it is not there.
    const source = await DataSource.open(path);
    assert.deepEqual(source.names, ['train.csv']);
  });

  it('links are followed, and not in a circle', async (t) => {
    const elsewhere = temporaryFolder(t, await pictures());
    const path = temporaryFolder(t);
    for (const name of ['above', 'below']) symlinkSync(join(elsewhere, name), join(path, name));
    symlinkSync(path, join(elsewhere, 'above/again'));
    symlinkSync('/nowhere', join(path, 'broken'));
    const { finished } = await readDataset({ format: 'auto', path });
    assert.deepEqual(finished.data.classes, ['above', 'below']);
  });

  it('more files than can be looked at are not listed to their end', async (t) => {
    const path = temporaryFolder(t);
    mkdirSync(join(path, 'a'));
    for (let i = 0; i < 51; i++) writeFileSync(join(path, `a/${i}.png`), '');
    await assert.rejects(read(path), refused(/has more than 50 files and folders: name the folder/));
  });

  it('a bomb is refused before it is unpacked: archives, gzip, arrays, pictures', async (t) => {
    const zeros = new Uint8Array(1_000_000);
    const files = {
      'bomb.zip': zipSync({ 'a/1.png': zeros, 'b/1.png': zeros }),
      'bomb.csv.gz': gzipSync(zeros),
      'bomb.npz': zipSync({ 'x.npy': zeros }),
      'many.zip': zipSync(Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`a/${i}.png`, new Uint8Array(1)]))),
      'large.csv': Buffer.from(zeros),
    };
    const path = temporaryFolder(t, files);
    await assert.rejects(
      read(join(path, 'bomb.zip')),
      refused(/bomb\.zip has .* and would unpack to more than 100 kB/),
    );
    await assert.rejects(
      read(join(path, 'bomb.csv.gz')),
      refused(/bomb\.csv\.gz has .* and would unpack to more than 100 kB/),
    );
    await assert.rejects(read(join(path, 'bomb.npz')), refused(/would unpack to more than 100 kB/));
    await assert.rejects(read(join(path, 'many.zip')), refused(/holds more than 50 files/));
    await assert.rejects(
      readDataset({ format: 'csv-texts', path: join(path, 'large.csv') }, undefined, limits),
      refused(/large\.csv has 1\.0 MB: at most 100 kB can be read/),
    );
    const { default: sharp } = await import('sharp');
    const wide = await sharp({ create: { width: 100, height: 100, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
    const photos = temporaryFolder(t, { 'a/1.png': wide, 'b/1.png': wide });
    await assert.rejects(read(photos), refused(/none of its pictures can be read: .*more pixels than can be read/));
  });

  it('more samples than fit into memory are refused with what to do', async (t) => {
    const small = { ...LIMITS, sampleBytes: 1000 };
    for (const path of [temporaryFolder(t, await pictures()), `${temporaryFolder(t, { 'x.csv': barRows() })}/x.csv`])
      await assert.rejects(
        readDataset({ format: 'auto', path, ...(path.endsWith('csv') ? {} : { imageSize: 32 }) }, undefined, small),
        refused(/samples of .* would need .* at most 1\.0 kB can be had: use a smaller imageSize/),
      );
  });

  it('an archive that is damaged or leads out of itself writes nothing', async (t) => {
    const zip = zipSync({ '../../evil/1.png': new Uint8Array(9), 'b/1.png': new Uint8Array(9) });
    await assert.rejects(readFile(t, 'x.zip', zip), refused(/x\.zip/));
    await assert.rejects(readFile(t, 'x.zip', zip.subarray(0, 60)), refused(/is damaged or no ZIP archive/));
  });

  it('what no format recognises is refused with what is there, and two that do are named', async (t) => {
    await assert.rejects(
      readFolder(t, { 'a.onnx': 'x', 'b.onnx': 'x' }),
      refused(/in no format that is known: it holds 2 \.onnx\. There are image-folder, /),
    );
    await assert.rejects(
      readFolder(t, { 'a.wav': 'x' }),
      refused(/holds recordings \(a\.wav\), and not in a folder for each/),
    );
    await assert.rejects(
      readFolder(t, { 'a.csv': 'x', 'b.csv': 'x' }),
      refused(/holds several tables \(a\.csv, b\.csv\).*name the file itself/),
    );
    const files = await pictures();
    await assert.rejects(
      readFolder(t, { ...files, 'train.bin': 'x', 'test.bin': 'x' }),
      refused(/may be image-folder .*, or cifar100-binary .*say which/),
    );
    await assert.rejects(
      readDataset({ format: 'auto', path: temporaryFolder(t, files) }, 'speech'),
      refused(/looks like image-folder, which holds images; the workload takes speech/),
    );
    await assert.rejects(readFolder(t, files, { imageSiez: 3 }), refused(/as image-folder: imageSiez .*imageSize/));
    await assert.rejects(readDataset({ format: 'auto' }), refused(/say where the data are/));
  });

  it('sizes are told as people tell them', () => {
    assert.deepEqual([0, 999, 1500, 123_456, 2.5e9].map(sizeText), [
      '0 bytes',
      '999 bytes',
      '1.5 kB',
      '123 kB',
      '2.5 GB',
    ]);
  });
});
