// Imported by sources with probes: notes once, in a file, that a place was run. At once, as a process may be killed.
import { appendFileSync } from 'node:fs';

const seen = new Set();

export function reached(id) {
  if (seen.has(id)) return;
  seen.add(id);
  appendFileSync(process.env.EDGETUNE_REACHED_FILE, `${id}\n`);
}
