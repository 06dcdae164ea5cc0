/**
 * The throttling flags of a Raspberry Pi's firmware (https://www.raspberrypi.com/documentation/computers/os.html#get_throttled):
 * bits 0 to 3 hold now, the same bits plus 16 have occurred since the board started.
 */
import { entries, type Host, HostError, readNumber, readText } from '../host.ts';
import { vcgencmd } from '../vcgencmd.ts';
import type { Warning, WarningKind, WarningSource } from './warning.ts';

const FLAGS: readonly { bit: number; kind: WarningKind; what: string }[] = [
  { bit: 0, kind: 'under-voltage', what: 'the supply fell below 4.63 V: use a stronger one, or a shorter cable' },
  { bit: 1, kind: 'throttled', what: 'the firmware capped the clock' },
  { bit: 2, kind: 'throttled', what: 'the firmware throttled the processor' },
  { bit: 3, kind: 'throttled', what: 'the firmware’s soft temperature limit was reached' },
];

/** By `vcgencmd`, else by the kernel's own under-voltage alarm; null on other boards. */
export async function findPiFirmware(host: Host): Promise<WarningSource | null> {
  const ask = async () => throttledFlags(await vcgencmd(host, 'get_throttled'));
  try {
    await ask();
    return { kinds: ['throttled', 'under-voltage'], read: async () => flagWarnings(await ask()) };
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    return findVoltageAlarm(host);
  }
}

/** @throws {HostError} where the text holds no flags */
export function throttledFlags(text: string): number {
  const match = /throttled=(0x[0-9a-f]+)/i.exec(text);
  if (!match) throw new HostError('failed', `vcgencmd get_throttled printed "${text.trim()}"`);
  return Number(match[1]);
}

export function flagWarnings(flags: number): Warning[] {
  return FLAGS.map(({ bit, kind, what }) => ({
    kind,
    what,
    active: ((flags >> bit) & 1) === 1,
    count: (flags >> (bit + 16)) & 1,
  }));
}

/** https://docs.kernel.org/hwmon/raspberrypi-hwmon.html: `in0_lcrit_alarm` of the sensor `rpi_volt`. */
function findVoltageAlarm(host: Host): WarningSource | null {
  const folder = entries(host, '/sys/class/hwmon', /^hwmon\d+$/).find(
    (each) => readText(host, `${each}/name`) === 'rpi_volt' && readNumber(host, `${each}/in0_lcrit_alarm`) !== null,
  );
  if (!folder) return null;
  const { kind, what } = FLAGS[0] as { kind: WarningKind; what: string };
  return {
    kinds: [kind],
    read: async () => [{ kind, what, active: readNumber(host, `${folder}/in0_lcrit_alarm`) === 1, count: 0 }],
  };
}
