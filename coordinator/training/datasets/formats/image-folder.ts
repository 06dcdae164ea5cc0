/** A folder of pictures for each class, perhaps below train, validation and test: as torchvision's ImageFolder has them, and people. */
import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { DatasetError } from '../../training-service.ts';
import type { SplitName } from '../../workloads/workload.ts';
import type { RawData, RawSplit } from '../data-kinds.ts';
import { datasetFormat, imageSettings, pathSetting, type Reading, splitSettings } from '../dataset-format.ts';
import { LARGEST_OWN, needRoom, resizeText, USUAL_SIZE } from '../decode/image-size.ts';
import { lookAt, type PictureFacts, pixelsOf } from '../decode/pictures.ts';
import { counted, type Notices, some } from '../notices.ts';
import type { DataSource } from '../source/data-source.ts';
import { classFolders, hasClassFolders, type SampleFile } from './class-folders.ts';

/** Names that pictures have; what is in them decides. */
export const PICTURE_NAME = /\.(png|jpe?g|jpe|jfif|webp|gif|tiff?|avif|heic|heif|bmp)$/i;
/** Where more of the pictures cannot be read, something else is wrong. */
const MOST_DAMAGED = 0.5;

const settings = z.object({
  path: pathSetting('folder or ZIP archive with a folder of pictures for each class', '/path/to/photos'),
  ...imageSettings,
  ...splitSettings,
});

interface Picture extends SampleFile {
  facts: PictureFacts;
}

interface Target {
  width: number;
  height: number;
  channels: number;
}

async function read({
  settings: said,
  source,
  notices,
  limits,
}: Reading<z.output<typeof settings>>): Promise<RawData<'images'>> {
  const { files, hasSplits } = classFolders(source, PICTURE_NAME, 'picture', notices);
  const damaged: string[] = [];
  const bytesOf = ({ name }: SampleFile) => source.read(name, 'a picture');
  const pictures = await each(files, damaged, async (file) => ({
    ...file,
    facts: await lookAt(await bytesOf(file), limits),
  }));
  if (pictures.length === 0)
    throw new DatasetError(`${source.path}: none of its pictures can be read: ${some(damaged)}`);
  const target = targetOf(pictures, said, notices);
  needRoom(pictures.length, target.width * target.height * target.channels, limits);
  const decoded = await each(pictures, damaged, async (picture) => ({
    picture,
    pixels: await pixelsOf(await bytesOf(picture), target, limits),
  }));
  if (damaged.length > MOST_DAMAGED * files.length)
    throw new DatasetError(
      `${source.path}: ${damaged.length.toLocaleString('en')} of ${counted(files.length, 'picture')} cannot be read: ${some(damaged)}`,
    );
  if (damaged.length > 0)
    notices.warn(
      `${counted(damaged.length, 'picture')} cannot be read and ${damaged.length === 1 ? 'is' : 'are'} left out: ${some(damaged)}`,
    );
  sayOthers(source, notices);
  sayFacts(
    pictures.map(({ facts }) => facts),
    notices,
  );
  const split = (name: SplitName | null): RawSplit<Uint8Array> | null => {
    const own = decoded.filter(({ picture }) => picture.split === name);
    if (own.length === 0) return null;
    return {
      values: Buffer.concat(own.map(({ pixels }) => pixels)),
      labels: own.map(({ picture }) => picture.label),
      origins: own.map(({ picture }) => picture.name),
    };
  };
  const train = split(hasSplits ? 'train' : null);
  if (!train) throw new DatasetError(`${source.path} has no pictures to train on`);
  return {
    ...target,
    preparation: [resizeText(target), ...(target.channels === 1 ? ['convert to grey'] : [])],
    train,
    validation: hasSplits ? split('validation') : null,
    test: hasSplits ? split('test') : null,
  };
}

/** In their order, several at once; what cannot be done is named with the reason and left out. */
async function each<T extends { name: string }, R>(
  items: readonly T[],
  failed: string[],
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R | null>(items.length).fill(null);
  const reasons = new Map<number, string>();
  let next = 0;
  const worker = async () => {
    for (let at = next++; at < items.length; at = next++) {
      const item = items[at] as T;
      try {
        results[at] = await work(item);
      } catch (error) {
        reasons.set(at, `${item.name} (${(error as Error).message})`);
      }
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  failed.push(...[...reasons].sort(([a], [b]) => a - b).map(([, reason]) => reason));
  return results.filter((result) => result !== null);
}

/** The size and channels that all are brought to; what was not said is taken from the pictures, and told. */
function targetOf(
  pictures: readonly Picture[],
  { imageSize, channels }: { imageSize?: number | undefined; channels?: 1 | 3 | undefined },
  notices: Notices,
): Target {
  const facts = pictures.map((picture) => picture.facts);
  const first = facts[0] as PictureFacts;
  const isOneSize = facts.every(({ width, height }) => width === first.width && height === first.height);
  const allGrey = facts.every(({ isGrey }) => isGrey);
  const keeps = imageSize === undefined && isOneSize && Math.max(first.width, first.height) <= LARGEST_OWN;
  const size = keeps
    ? { width: first.width, height: first.height }
    : { width: imageSize ?? USUAL_SIZE, height: imageSize ?? USUAL_SIZE };
  const bySize = [...facts].sort((a, b) => a.width * a.height - b.width * b.height);
  const [least, most] = [bySize[0] as PictureFacts, bySize.at(-1) as PictureFacts];
  const own = isOneSize
    ? `have ${first.width}×${first.height} pixels`
    : `have from ${least.width}×${least.height} to ${most.width}×${most.height} pixels`;
  const isSame = isOneSize && size.width === first.width && size.height === first.height;
  notices.note(
    isSame
      ? `the pictures ${own} and keep them`
      : `the pictures ${own}: each is resized to ${size.width}×${size.height}, whatever its proportions${imageSize === undefined ? ` (say imageSize for another size than ${USUAL_SIZE})` : ''}`,
  );
  if (channels === 1 && !allGrey) notices.note('colours are turned to grey, as the study says');
  const someGrey = facts.filter(({ isGrey }) => isGrey).length;
  if (channels === undefined && someGrey > 0 && !allGrey)
    notices.note(
      `${counted(someGrey, 'picture')} of ${facts.length.toLocaleString('en')} ${someGrey === 1 ? 'is' : 'are'} grey: all are taken as colour`,
    );
  return { ...size, channels: channels ?? (allGrey ? 1 : 3) };
}

function sayFacts(facts: readonly PictureFacts[], notices: Notices): void {
  const count = (is: (facts: PictureFacts) => boolean) => facts.filter(is).length;
  const say = (of: number, what: string) => of > 0 && notices.note(`${counted(of, 'picture')} ${what}`);
  say(
    count(({ isTurned }) => isTurned),
    'turned upright, as their EXIF orientation says',
  );
  say(
    count(({ hasAlpha }) => hasAlpha),
    'with transparency: what shows through is white',
  );
  say(
    count(({ bitsPerChannel }) => bitsPerChannel > 8),
    'of 16 bits a channel: 8 of them are kept',
  );
}

/** Files beside the pictures that may have been meant. */
function sayOthers(source: DataSource, notices: Notices): void {
  const others = source.names.filter((name) => name.includes('/') && !PICTURE_NAME.test(name));
  if (others.length > 0)
    notices.note(
      `${counted(others.length, 'file')} in the folders ${others.length === 1 ? 'is no picture and is' : 'are no pictures and are'} left out: ${some(others)}`,
    );
}

export const imageFolder = datasetFormat({
  name: 'image-folder',
  description: 'a folder of pictures (PNG, JPEG, WebP, …) for each class, perhaps below train, validation and test',
  holds: 'images',
  settings,
  recognises: (source) => hasClassFolders(source, PICTURE_NAME),
  read,
});
