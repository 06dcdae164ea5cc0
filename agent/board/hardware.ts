/** Which piece of hardware this is: a card that is copied takes names and ids along, but not these. */
import { entries, type Host, readText } from './host.ts';

/** Places of a serial number: Raspberry Pi and Jetson (device tree), and PCs (DMI, for root only). */
const SERIALS = ['/proc/device-tree/serial-number', '/sys/class/dmi/id/product_serial'] as const;
/** What makers leave in where they have put none in. */
const NONE = /^(0+|none|default string|to be filled by o\.?e\.?m\.?|system serial number|not specified|n\/a)?$/i;

/**
 * The board's serial number, else the address of its first network card that is soldered or plugged in; those of virtual
 * cards and of containers are made up. Undefined where it has neither.
 */
export function hardwareOf(host: Host): string | undefined {
  for (const path of SERIALS) {
    const serial = readText(host, path);
    if (serial !== null && !NONE.test(serial.trim())) return `serial ${serial.trim()}`;
  }
  const cards = entries(host, '/sys/class/net', /^(eth|en|wl|wlan)/).filter(
    (card) => readText(host, `${card}/device/uevent`) !== null,
  );
  const addresses = cards
    .filter((card) => readText(host, `${card}/addr_assign_type`) === '0')
    .map((card) => readText(host, `${card}/address`))
    .filter((address) => address !== null && address !== '00:00:00:00:00:00');
  return addresses.length > 0 ? `network card ${addresses.sort()[0]}` : undefined;
}
