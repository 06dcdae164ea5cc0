/** Versions of agents. */

/** Compares versions of the form 1.2.3 number by number. */
export function isNewer(version: string, than: string): boolean {
  const numbers = (text: string) => text.split('.').map((part) => Number.parseInt(part, 10) || 0);
  const [ours, theirs] = [numbers(version), numbers(than)];
  const differs = ours.findIndex((part, index) => part !== (theirs[index] ?? 0));
  return differs >= 0 && (ours[differs] as number) > (theirs[differs] ?? 0);
}
