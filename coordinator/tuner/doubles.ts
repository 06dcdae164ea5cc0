/** The numbers that there are: between two of them there may be no other. */

const bytes = new DataView(new ArrayBuffer(8));

/** Its place among all finite numbers in their order; 0 is at 0. */
function placeOf(value: number): bigint {
  bytes.setFloat64(0, Math.abs(value));
  const place = bytes.getBigInt64(0);
  return value < 0 ? -place : place;
}

/** How many numbers there are from `min` to `max`, both included. */
export function doublesBetween(min: number, max: number): number {
  return Number(placeOf(max) - placeOf(min)) + 1;
}

/** The number that comes `index` places after `from`. */
export function nthDouble(from: number, index: number): number {
  const place = placeOf(from) + BigInt(index);
  bytes.setBigInt64(0, place < 0n ? -place : place);
  const value = bytes.getFloat64(0);
  return place < 0n ? -value : value;
}

/** Steps of a range have to be so large beside its numbers that what rounding leaves cannot be taken for one. */
const LEAST_STEP = 1e-9;

/** Whether a step is lost among the digits of the numbers that it leads to. */
export function isTooFine(step: number, min: number, max: number): boolean {
  return step < LEAST_STEP * Math.max(Math.abs(min), Math.abs(max));
}
