/** Pictures by libvips (https://www.libvips.org): PNG, JPEG, WebP, GIF, TIFF and AVIF, upright, as bytes of one size. */
import sharp, { type CreateRaw } from 'sharp';

// Of all that libvips can load only these are pictures by content; an SVG could read other files.
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({
  operation: ['Jpeg', 'Png', 'Webp', 'Nsgif', 'Tiff', 'Heif'].map((name) => `VipsForeignLoad${name}Buffer`),
});
// What was decoded is not seen again.
sharp.cache(false);

export interface PictureFacts {
  /** After turning it as its EXIF orientation says. */
  width: number;
  height: number;
  isTurned: boolean;
  isGrey: boolean;
  hasAlpha: boolean;
  bitsPerChannel: number;
}

export interface PictureLimits {
  imagePixels: number;
}

const optionsOf = ({ imagePixels }: PictureLimits) =>
  ({ limitInputPixels: imagePixels, failOn: 'error', pages: 1, sequentialRead: true }) as const;

/** @throws {Error} saying why it is no picture that can be read */
export async function lookAt(bytes: Uint8Array, limits: PictureLimits): Promise<PictureFacts> {
  try {
    const {
      width = 0,
      height = 0,
      orientation = 1,
      hasAlpha = false,
      space,
      depth,
      channels = 3,
    } = await sharp(bytes, optionsOf(limits)).metadata();
    if (width * height > limits.imagePixels)
      throw new Error(`it has ${width}×${height} pixels, more than ${limits.imagePixels / 1e6} million`);
    const isOnItsSide = orientation >= 5;
    return {
      width: isOnItsSide ? height : width,
      height: isOnItsSide ? width : height,
      isTurned: orientation > 1,
      isGrey: channels - (hasAlpha ? 1 : 0) === 1 && (space === 'b-w' || space === 'grey16'),
      hasAlpha,
      bitsPerChannel: depth === 'ushort' || depth === 'short' ? 16 : 8,
    };
  } catch (error) {
    throw new Error(why(bytes, error as Error), { cause: error });
  }
}

/**
 * Its pixels, row by row, channels side by side; what is transparent is white.
 * @throws {Error} where it is damaged
 */
export async function pixelsOf(
  bytes: Uint8Array,
  { width, height, channels }: { width: number; height: number; channels: number },
  limits: PictureLimits,
): Promise<Uint8Array> {
  try {
    const picture = sharp(bytes, optionsOf(limits)).autoOrient().flatten({ background: 'white' });
    const { data, info } = await picture
      .resize(width, height, { fit: 'fill' })
      .toColourspace(channels === 1 ? 'b-w' : 'srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    return withChannels(data, info.channels, channels);
  } catch (error) {
    throw new Error(why(bytes, error as Error), { cause: error });
  }
}

/** Images in memory in another size. */
export async function resizePixels(
  pixels: Uint8Array,
  from: { width: number; height: number; channels: number },
  to: { width: number; height: number },
): Promise<Uint8Array> {
  const { data, info } = await sharp(pixels, { raw: from as CreateRaw })
    .resize(to.width, to.height, { fit: 'fill' })
    .toColourspace(from.channels === 1 ? 'b-w' : 'srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  return withChannels(data, info.channels, from.channels);
}

/** A picture to look at: PNG, enlarged without smoothing where it is small. */
export async function pngOf(
  pixels: Uint8Array,
  size: { width: number; height: number; channels: number },
  shown: { width: number; height: number },
): Promise<Uint8Array> {
  return sharp(pixels, { raw: size as CreateRaw })
    .resize(shown.width, shown.height, { fit: 'fill', kernel: 'nearest' })
    .png()
    .toBuffer();
}

/** SVG of ours, drawn. */
export async function drawSvg(svg: string): Promise<Uint8Array> {
  sharp.unblock({ operation: ['VipsForeignLoadSvgBuffer'] });
  try {
    return await sharp(Buffer.from(svg)).png().toBuffer();
  } finally {
    sharp.block({ operation: ['VipsForeignLoadSvgBuffer'] });
  }
}

/** Whether there is a font: without one libvips leaves texts out and says nothing. */
export async function drawsText(): Promise<boolean> {
  const svg =
    '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20"><text y="15" font-family="sans-serif">M</text></svg>';
  const { channels } = await sharp(await drawSvg(svg)).stats();
  return channels.some(({ max }) => max > 0);
}

function withChannels(data: Uint8Array, has: number, wanted: number): Uint8Array {
  if (has === wanted) return data;
  const pixels = data.length / has;
  const made = new Uint8Array(pixels * wanted);
  for (let i = 0; i < pixels; i++)
    for (let c = 0; c < wanted; c++) made[i * wanted + c] = data[i * has + (has < 3 ? 0 : c)] as number;
  return made;
}

/** libvips says it in many lines, and of a format that it does not know nothing but that. */
function why(bytes: Uint8Array, { message }: Error): string {
  const head = Buffer.from(bytes.subarray(0, 16)).toString('latin1');
  if (bytes.length === 0) return 'it is empty';
  if (/^....ftyp(hei|hev|mif)/s.test(head))
    return 'HEIC cannot be read here (its codec is not free): have the phone save JPEG ("Most compatible"), or convert it';
  if (head.startsWith('BM')) return 'BMP cannot be read here: convert it to PNG';
  if (/pixel limit/.test(message)) return 'it has more pixels than can be read';
  if (/unsupported image format|blocked/i.test(message)) return 'it is no picture that can be read';
  return `it is damaged: ${message.trim().split('\n').at(-1)}`;
}
