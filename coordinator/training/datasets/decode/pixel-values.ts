/** Pixels as the data have them (0…1, 0…16, 0…65535, standardised) as bytes, black to white; what is taken for white is said. */
import { DatasetError } from '../../training-service.ts';
import type { Notices } from '../notices.ts';

/** What people store, by the largest value. */
const WHITES = [1, 255, 65_535];
/** A stated white is not believed where nothing comes near it. */
const FAR_BELOW = 8;

export interface PixelScale {
  black: number;
  white: number;
}

/**
 * What is black and what is white, from the values and from what the study says.
 * @param splits all values of all splits
 * @param stated the value of a white pixel, as the study says
 * @throws {DatasetError} where a value is no number, or beyond what was stated
 */
export function scaleOf(
  splits: readonly ArrayLike<number>[],
  stated: number | undefined,
  notices: Notices,
): PixelScale {
  let [least, most, isWhole] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, true];
  for (const values of splits)
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as number;
      if (value < least) least = value;
      if (value > most) most = value;
      if (isWhole && !Number.isInteger(value)) isWhole = false;
    }
  const range = `the pixels lie between ${short(least)} and ${short(most)}`;
  if (least < 0) {
    if (stated !== undefined)
      throw new DatasetError(`${range}: with negative values maxValue cannot be ${stated}; leave it out`);
    notices.warn(`${range}: ${short(least)} is taken for black and ${short(most)} for white`);
    return { black: least, white: most };
  }
  if (stated === undefined) {
    // Whole numbers up to 16, say, are no bytes: white is the largest there is.
    const white = most <= 1 ? 1 : isWhole && most <= 64 ? most : (WHITES.find((usual) => most <= usual) ?? most);
    notices.note(`${range}: ${white} is taken for white`);
    return { black: 0, white };
  }
  if (most > stated) throw new DatasetError(`${range}, beyond maxValue ${stated}: leave maxValue out, or mend it`);
  if (most > 0 && most * FAR_BELOW <= stated) {
    const white = Math.max(most, 1);
    notices.warn(
      `${range}, and the study says that ${stated} is white, by which all of them would be nearly black: ${white} is taken for white`,
    );
    return { black: 0, white };
  }
  return { black: 0, white: stated };
}

const short = (value: number) => String(Number(value.toPrecision(4)));

export function toBytes(values: ArrayLike<number>, { black, white }: PixelScale): Uint8Array {
  const bytes = new Uint8Array(values.length);
  const factor = 255 / (white - black || 1);
  for (let i = 0; i < values.length; i++) bytes[i] = Math.round(((values[i] as number) - black) * factor);
  return bytes;
}

/** For the model card: empty where the values are bytes already. */
export function scaleText({ black, white }: PixelScale): string[] {
  return black === 0 && white === 255 ? [] : [`map the values from ${short(black)}..${short(white)} to 0..255`];
}
