/** `edgetune dataset check` as a shell sees it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { datasetReportSchema } from '@edgetune/shared/domain/dataset-report.ts';
import sharp from 'sharp';
import { runProgram } from '../../support/programs.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { barRows, pictures, TEXTS } from '../training/support/small-datasets.ts';

const BIN = join(import.meta.dirname, '../../../coordinator/bin/edgetune.js');
const check = (...flags: string[]) => runProgram(process.execPath, [BIN, 'dataset', 'check', ...flags]);

describe('edgetune dataset check', () => {
  it('says what was found, how many there are of each class, what was assumed, and what to write into a study', async (t) => {
    const path = temporaryFolder(t, { ...(await pictures()), 'above/broken.png': 'no picture' });
    const { code, out } = await check(path, '--setting', 'imageSize=8');
    assert.equal(code, 0);
    assert.match(
      out,
      /^dataset format image-folder \(found\); 43 training, 8 validation, 9 test samples of 2 classes in 61 files; sha256 [0-9a-f]{12}…\n/,
    );
    assert.match(
      out,
      /each sample: 8×8 pixels, grey; in training pixels from \d+ to \d+ of 255\nsha256 [0-9a-f]{64}\n/,
    );
    assert.match(out, /class +train +validation \(cut\) +test \(cut\)\n.*\nabove +22 +4 +4\nbelow +21 +4 +5\n/);
    assert.match(out, /\nwarning: 1 picture cannot be read and is left out: above\/broken\.png/);
    assert.match(out, /\nnote: the pictures have 4×4 pixels: each is resized to 8×8/);
    assert.ok(out.endsWith(`In a study: dataset: {format: "image-folder", imageSize: 8, path: "${path}"}\n`), out);
  });

  it('as JSON is a report, with samples to look at; as a picture it has their labels', async (t) => {
    const path = temporaryFolder(t, { 'x.csv': barRows() });
    const [png, svg] = [join(path, 'sheet.png'), join(path, 'sheet.svg')];
    const { out } = await check(join(path, 'x.csv'), '--json', '--picture', png);
    const report = datasetReportSchema.parse(JSON.parse(out));
    assert.deepEqual([report.format, report.isFormatFound, report.samples.length], ['csv-images', true, 8]);
    const { format, width = 0, height = 0 } = await sharp(readFileSync(png)).metadata();
    assert.equal(format, 'png');
    assert.ok(width > 800 && height > 120, `${width}×${height}`);
    await check(join(path, 'x.csv'), '--picture', svg);
    const sheet = readFileSync(svg, 'utf8');
    assert.match(sheet, /csv-images: samples of 2 of 2 classes/);
    assert.equal(sheet.match(/data:image\/png;base64,iVBOR/g)?.length, 8);
    const texts = temporaryFolder(t, { 'x.jsonl': TEXTS.map((each) => JSON.stringify(each)).join('\n') });
    await check(join(texts, 'x.jsonl'), '--picture', svg);
    assert.match(readFileSync(svg, 'utf8'), /<tspan font-weight="bold">sport<\/tspan> the \w+ of \w+ and day/);
  });

  it('what cannot be right is refused with code 2, and so is what was misspelt', async (t) => {
    const path = temporaryFolder(t, { 'x.csv': barRows() });
    execFileSync('mkfifo', [join(path, 'pipe')], { timeout: 10_000 });
    for (const [flags, message] of [
      [['/dev/zero'], /error: \/dev\/zero is no regular file/],
      [[join(path, 'pipe')], /pipe is no regular file/],
      [['/nowhere'], /\/nowhere does not exist/],
      [
        [join(path, 'x.csv'), '--workload', 'keyword-spotter'],
        /looks like csv-images, which holds images; the workload takes speech/,
      ],
      [
        [join(path, 'x.csv'), '--workload', 'keyword-spoter'],
        /unknown workload "keyword-spoter".*did you mean "keyword-spotter"/,
      ],
      [[join(path, 'x.csv'), '--setting', 'widht=4'], /as csv-images: widht .*width/],
      [[join(path, 'x.csv'), '--setting', 'width'], /expected name=value/],
      [[join(path, 'x.csv'), '--picture', 'x.jpg'], /written as PNG or SVG/],
    ] as const) {
      const { code, err } = await check(...flags);
      assert.equal(code, 2, err);
      assert.match(err, message);
    }
  });
});
