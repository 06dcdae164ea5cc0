/** Signatures of graphs that leave sizes open: a graph of other sizes costs something else, so sizes split the history. */

/** The signature with a size for each open dimension behind it, in the order of their names. */
export function sizedSignature(signature: string, dimensions: Readonly<Record<string, number>>): string {
  const sizes = Object.entries(dimensions).sort(([a], [b]) => (a < b ? -1 : 1));
  return [signature, ...sizes.map(([name, size]) => `${encoded(name)}=${size}`)].join(';');
}

/** The sizes that `sizedSignature` wrote. */
export function sizesIn(signature: string): Record<string, number> {
  const sizes = signature.split(';').slice(1);
  return Object.fromEntries(
    sizes.map((text) => text.split('=')).map(([name = '', size]) => [decoded(name), Number(size)]),
  );
}

/** What separates is encoded, and nothing else: plain names stay as they are in the history. */
function encoded(name: string): string {
  return name.replaceAll(/[%;=]/g, encodeURIComponent);
}

function decoded(name: string): string {
  return name.replaceAll(/%(?:25|3B|3D)/g, decodeURIComponent);
}
