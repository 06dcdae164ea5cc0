/** The resident memory of this process, as the kernel accounts for it. */
import { readFileSync, writeFileSync } from 'node:fs';

/** A field of /proc/self/status in bytes (proc(5): given in kB), or null. */
export function ownMemory(field: 'VmRSS' | 'VmHWM'): number | null {
  try {
    const match = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync('/proc/self/status', 'utf8'));
    return match ? Number(match[1]) * 1024 : null;
  } catch {
    return null;
  }
}

/** Sets the high-water mark back to what is resident now (proc(5), /proc/pid/clear_refs, since Linux 4.0). */
export function resetPeak(): void {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
  } catch {
    // Older kernels keep the mark: the peak is then that of the whole process, less what was resident.
  }
}
