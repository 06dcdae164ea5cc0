/** The meters of a board, found by probing. A new kind of meter is one more line here. */
import type { Host } from '../host.ts';
import { findBattery } from './battery.ts';
import { findIna2xx } from './ina2xx.ts';
import { findIna3221 } from './ina3221.ts';
import { findPiPmic } from './pi-pmic.ts';
import type { PlugAddress } from './plug-address.ts';
import type { PowerMeter } from './power-meter.ts';
import { findRapl } from './rapl.ts';
import { shellyPlug } from './shelly-plug.ts';
import { tasmotaPlug } from './tasmota-plug.ts';

/** Looks for one kind of meter on a board; null: it has none. */
export type FindMeter = (host: Host) => PowerMeter | null | Promise<PowerMeter | null>;

/** From those that see the whole board and are quick to those that see part of it or are slow. */
export const METERS: readonly FindMeter[] = [findIna3221, findIna2xx, findPiPmic, findRapl, findBattery];

/**
 * The first one is the board's meter: all its measurements use the same one, so that they can be compared.
 * @param plug what the user plugged the board into; it comes first, because it was chosen on purpose
 * @param finders what is looked for, in that order
 */
export async function findMeters(
  host: Host,
  plug: PlugAddress | null = null,
  finders: readonly FindMeter[] = METERS,
): Promise<PowerMeter[]> {
  const chosen = plug ? [plug.kind === 'tasmota' ? tasmotaPlug(host, plug) : shellyPlug(host, plug)] : [];
  const found: PowerMeter[] = [];
  for (const find of finders) {
    const meter = await find(host);
    if (meter) found.push(meter);
  }
  return [...chosen, ...found];
}
