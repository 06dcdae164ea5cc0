/** What the kernel says of the whole board's memory. */
import { type Host, readText } from '../../board/host.ts';

/** The kernel and the agent keep the rest: a board whose memory is used up stops answering. */
const SPARED_SHARE = 0.9;

/** Bytes that a measurement may take without bringing the board down (proc(5): MemAvailable); null: not told. */
export function spareBytes(host: Host): number | null {
  const kB = /^MemAvailable:\s+(\d+) kB/m.exec(readText(host, '/proc/meminfo') ?? '')?.[1];
  return kB === undefined ? null : Number(kB) * 1024 * SPARED_SHARE;
}

/** Processes that the kernel killed anywhere on the board for want of memory since now (/proc/vmstat, since Linux 4.13). */
export function outOfMemoryKills(host: Host): () => number {
  const read = () => Number(/^oom_kill (\d+)$/m.exec(readText(host, '/proc/vmstat') ?? '')?.[1] ?? 0);
  const before = read();
  return () => read() - before;
}
