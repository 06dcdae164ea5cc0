/** Folders of pictures, as phones, cameras and programs write them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { zipSync } from 'fflate';
import sharp, { type Sharp } from 'sharp';
import { readDataset } from '../../../../coordinator/training/datasets/read-dataset.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { countsOf, readFolder, refused, saidOf } from '../support/refusals.ts';
import { pictures } from '../support/small-datasets.ts';

type Make = (picture: Sharp) => Sharp;

/** A photo of 12 × 8 that is bright on its left, a little different each time. */
const photo = (index: number, make: Make = (picture) => picture.png(), size = { width: 12, height: 8 }) => {
  const { width, height } = size;
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) =>
    Math.floor(i / 3) % width < width / 2 ? 200 + (index % 50) : 20 + (index % 11),
  );
  return make(sharp(data, { raw: { width, height, channels: 3 } })).toBuffer();
};

async function photos(make: Make = (picture) => picture.png(), name = (index: number) => `${index}.png`, count = 30) {
  const files: Record<string, Buffer> = {};
  for (let index = 0; index < count; index++) {
    files[`cat/${name(index)}`] = await photo(index, make);
    files[`dog/${name(index)}`] = await photo(100 + index, (picture) => make(picture.negate()));
  }
  return files;
}

describe('a folder of pictures', () => {
  it('is read whatever the format of the files and the case of their names', async (t) => {
    for (const [ending, make] of [
      ['JPG', (picture: Sharp) => picture.jpeg({ progressive: true, quality: 95 })],
      ['webp', (picture: Sharp) => picture.webp({ lossless: true })],
      ['tif', (picture: Sharp) => picture.tiff()],
      ['gif', (picture: Sharp) => picture.gif()],
    ] as const) {
      const read = await readFolder(t, await photos(make, (index) => `IMG_${index}.${ending}`));
      assert.deepEqual(countsOf(read), { cat: 30, dog: 30 }, ending);
      assert.equal(read.dataset.format, 'image-folder');
      const { data } = read.finished;
      assert.ok('width' in data);
      assert.deepEqual([data.width, data.height, data.channels], [12, 8, 3]);
      const [left, right] = [data.train.values[0] as number, data.train.values[11 * 3] as number];
      assert.equal(data.train.labels[0] === 0 ? left > right : left < right, true, ending);
    }
  });

  it('a picture that its EXIF orientation turns is upright, and that is said', async (t) => {
    // Orientation 6: to be turned clockwise, so that its left is up.
    const read = await readFolder(
      t,
      await photos((picture) => picture.jpeg({ quality: 100 }).withMetadata({ orientation: 6 })),
    );
    const { data } = read.finished;
    assert.ok('width' in data);
    assert.deepEqual([data.width, data.height], [8, 12]);
    const [top, bottom] = [data.train.values[0] as number, data.train.values[11 * 8 * 3] as number];
    assert.equal(data.train.labels[0] === 0 ? top > bottom : top < bottom, true);
    assert.match(saidOf(read), /60 pictures turned upright, as their EXIF orientation says/);
  });

  it('grey pictures stay grey; of 16 bits 8 are kept, scaled and not cut off; what is transparent is white', async (t) => {
    const deep = async (value: number) =>
      sharp(
        Uint16Array.from({ length: 16 }, (_, i) => (i === 0 ? value : 128 * 257 + i * 257)),
        { raw: { width: 4, height: 4, channels: 1 } },
      )
        .toColourspace('grey16')
        .png()
        .toBuffer();
    const files: Record<string, Buffer> = {};
    for (let i = 0; i < 30; i++) {
      files[`a/${i}.png`] = await deep(i * 257);
      files[`b/${i}.png`] = await deep((200 + i) * 257);
    }
    const grey = await readFolder(t, files);
    const { data } = grey.finished;
    assert.ok('width' in data);
    assert.equal(data.channels, 1);
    assert.deepEqual([...data.train.values.subarray(1, 4)], [129, 130, 131]);
    assert.match(saidOf(grey), /60 pictures of 16 bits a channel/);

    const clear: Record<string, Buffer> = {};
    for (let i = 0; i < 60; i++)
      clear[`${i % 2 === 0 ? 'a' : 'b'}/${i}.png`] = await sharp(
        Uint8Array.from({ length: 64 }, (_, at) => (at % 4 === 3 ? (at < 32 ? 0 : 255) : i)),
        { raw: { width: 4, height: 4, channels: 4 } },
      )
        .png()
        .toBuffer();
    const read = await readFolder(t, clear);
    const values = read.finished.data.train.values as Uint8Array;
    assert.deepEqual([...values.subarray(0, 24)], Array(24).fill(255));
    assert.notEqual(values[24], 255);
    assert.match(saidOf(read), /60 pictures with transparency: what shows through is white/);
  });

  it('pictures of many sizes are resized to the size that is said, else to one that is told', async (t) => {
    const files: Record<string, Buffer> = {};
    for (let i = 0; i < 30; i++) {
      files[`cat/${i}.png`] = await photo(i, (picture) => picture.png(), { width: 200 + i, height: 100 });
      files[`dog/${i}.png`] = await photo(i, (picture) => picture.negate().png(), { width: 100, height: 200 });
    }
    const size = async (settings: object) => {
      const read = await readFolder(t, files, settings);
      const { data } = read.finished;
      return 'width' in data
        ? { size: [data.width, data.height], said: saidOf(read), preparation: data.preparation }
        : null;
    };
    const stated = await size({ imageSize: 24 });
    assert.deepEqual(stated?.size, [24, 24]);
    assert.deepEqual(stated?.preparation, ['resize to 24×24 pixels, whatever the proportions']);
    const usual = await size({});
    assert.deepEqual(usual?.size, [64, 64]);
    assert.match(usual?.said ?? '', /from 200×100 to 229×100 pixels: each is resized to 64×64.*say imageSize/);
  });

  it('splits are the folders train, val (also valid, validation) and test; the others are cut, by a seed', async (t) => {
    const all = await pictures(60);
    const into = (folder: (index: number) => string) =>
      Object.fromEntries(Object.entries(all).map(([name, bytes], index) => [`${folder(index)}/${name}`, bytes]));
    for (const validation of ['val', 'valid', 'Validation']) {
      const read = await readFolder(
        t,
        into((index) => (index % 5 === 0 ? validation : index % 5 === 1 ? 'test' : 'train')),
      );
      assert.deepEqual(read.finished.cut, []);
      assert.equal(read.finished.data.validation.labels.length, 24);
      assert.equal(read.finished.origins.validation?.[0]?.split('/')[0], validation);
    }
    const cut = async (seed?: number) =>
      (
        await readFolder(
          t,
          into(() => 'train'),
          seed === undefined ? {} : { seed },
        )
      ).finished;
    assert.deepEqual((await cut()).cut, ['validation', 'test']);
    assert.deepEqual((await cut(1)).origins, (await cut()).origins);
    assert.notDeepEqual((await cut(2)).origins, (await cut()).origins);
  });

  it('folders inside of a class belong to it; hidden files and what file managers leave do not', async (t) => {
    const files: Record<string, Uint8Array | string> = {};
    for (const [name, bytes] of Object.entries(await pictures())) files[name.replace('/', '/2024/may/')] = bytes;
    const junk = {
      'above/.DS_Store': 'x',
      'above/._1.png': 'x',
      '__MACOSX/above/1.png': 'x',
      'above/Thumbs.db': 'x',
      '.cache/below/1.png': 'x',
    };
    assert.deepEqual(countsOf(await readFolder(t, { ...files, ...junk })), { above: 30, below: 30 });
  });

  it('a damaged picture, an empty one, HEIC and what is no picture are named and left out; too many are refused', async (t) => {
    const files: Record<string, Uint8Array | string> = await photos((picture) => picture.jpeg());
    const whole = files['cat/0.png'] as Uint8Array;
    const heic = Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from('ftypheic0000mif1heic')]);
    const read = await readFolder(t, {
      ...files,
      'cat/cut.jpg': whole.subarray(0, whole.length / 2),
      'cat/empty.jpg': '',
      'dog/phone.HEIC': heic,
      'dog/page.png': '<html>not found</html>',
      'dog/film.mp4': 'x',
    });
    assert.deepEqual(countsOf(read), { cat: 30, dog: 30 });
    const said = saidOf(read);
    assert.match(said, /warning: 4 pictures cannot be read and are left out: cat\/cut\.jpg \(it is damaged/);
    assert.match(said, /1 file in the folders is no picture and is left out: dog\/film\.mp4/);
    const ruined = Object.fromEntries(
      Object.entries(files).map(([name, bytes], i) => [name, i % 3 === 0 ? bytes : 'no picture']),
    );
    await assert.rejects(
      readFolder(t, ruined),
      refused(/40 of 60 pictures cannot be read: .*it is no picture that can be read/),
    );
    const phones = Object.fromEntries(Object.keys(files).map((name) => [name.replace('.png', '.heic'), heic]));
    await assert.rejects(
      readFolder(t, phones),
      refused(/none of its pictures can be read: .*HEIC cannot be read here .*JPEG/),
    );
  });

  it('an empty class and pictures outside of all classes are said; one class is refused', async (t) => {
    const files = await pictures();
    const loose = files['above/0.png'] as Buffer;
    const read = await readFolder(t, { ...files, 'bird/readme.md': 'none yet', 'loose.png': loose });
    assert.match(saidOf(read), /the folder bird has no pictures: that is no class/);
    assert.match(saidOf(read), /1 picture outside of the folders of classes is left out: loose\.png/);
    const one = Object.fromEntries(Object.entries(files).filter(([name]) => name.startsWith('above')));
    await assert.rejects(readFolder(t, one), refused(/it holds pictures .*folder for each of at least two classes/));
    await assert.rejects(readFolder(t, one, { format: 'image-folder' }), refused(/one class/));
  });

  it('a ZIP archive of it is the same, also with a folder around everything', async (t) => {
    const files = await pictures();
    const zip = zipSync(
      Object.fromEntries(Object.entries(files).map(([name, bytes]) => [`my photos/${name}`, new Uint8Array(bytes)])),
    );
    const path = `${temporaryFolder(t, { 'photos.zip': zip })}/photos.zip`;
    const [packed, plain] = [await readDataset({ format: 'auto', path }), await readFolder(t, files)];
    assert.deepEqual(packed.finished.data, plain.finished.data);
  });

  it('an SVG is not opened, whatever it is called', async (t) => {
    const files: Record<string, Uint8Array | string> = await pictures();
    files['above/x.png'] =
      '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"><image href="/etc/hostname"/></svg>';
    assert.match(saidOf(await readFolder(t, files)), /above\/x\.png \(it is no picture that can be read\)/);
  });
});
