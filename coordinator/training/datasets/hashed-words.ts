/**
 * A text as a bag of hashed words (Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", 2009,
 * https://arxiv.org/abs/0902.2206): no vocabulary has to travel with the model.
 */

/** Length of a bag. */
export const BUCKETS = 4096;

/** The bucket of every word of a text: runs of letters and digits, in lower case. */
export function bucketsOf(text: string): Uint16Array {
  return Uint16Array.from(text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [], (word) => fnv1a(word) % BUCKETS);
}

/** 32-bit FNV-1a of the UTF-8 bytes (http://www.isthe.com/chongo/tech/comp/fnv). */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text, 'utf8')) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
