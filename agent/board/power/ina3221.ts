/**
 * The INA3221 chips of a Jetson, three channels each.
 * - L4T r32 (Nano, TX1, TX2, Xavier): NVIDIA's iio driver, `rail_name_<n>` and `in_power<n>_input` in mW, n from 0
 *   (https://docs.nvidia.com/jetson/archives/l4t-archived/l4t-3273/, "Software-Based Power Consumption Modeling").
 * - r34 and later: the kernel's hwmon driver (https://docs.kernel.org/hwmon/ina3221.html), `in<n>_label`, `in<n>_input` mV ×
 *   `curr<n>_input` mA, n from 1; in4 to in7 are shunt voltages and their sum, no rails.
 * A channel labelled "NC" is not connected. The board's total is the rail VDD_IN or POM_5V_IN, where there is one, else
 * the sum of the rails. AGX Xavier: https://forums.developer.nvidia.com/t/xavier-jetson-total-power-consumption/81016, and SYS5V
 * is "all parts except DDR, CPU, GPU and CV", so that nothing counts twice (https://forums.developer.nvidia.com/t/75574). AGX Orin:
 * VIN_SYS_5V0 is what the module's I/O takes (https://forums.developer.nvidia.com/t/tegrastats-monitoring/217088); jetson_stats
 * (https://github.com/rbonghi/jetson_stats/issues/344) sums all four, too, and Astron's PMT found no more than the carrier board
 * between a sum and an external meter (https://git.astron.nl/RD/pmt/-/merge_requests/114). NVIDIA publishes no power tree.
 */
import { entries, type Host, HostError, readNumber, readText } from '../host.ts';
import { alwaysOpen, type PowerMeter } from './power-meter.ts';

interface Rail {
  label: string;
  /** Files whose product is milliwatts × `perWatt` ÷ 1000. */
  paths: string[];
  perWatt: number;
}

const TOTAL = /^(VDD_IN|POM_5V_IN)$/;

/** @returns null where there is no such chip, or no rail of it can be read */
export function findIna3221(host: Host): PowerMeter | null {
  const rails = chips(host)
    .flatMap((chip) => railsOf(host, chip))
    .filter((rail) => watts(host, rail) !== null);
  const total = rails.find(({ label }) => TOTAL.test(label));
  const counted = total ? [total] : rails;
  if (counted.length === 0) return null;
  return {
    name: `INA3221 (${counted.map(({ label }) => label).join(' + ')})`,
    covers: 'board',
    kind: 'power',
    intervalMs: 50,
    leastWindowMs: 150,
    open: alwaysOpen(() =>
      counted.reduce((sum, rail) => {
        const now = watts(host, rail);
        if (now === null) throw new HostError('failed', `the rail ${rail.label} gave no reading`);
        return sum + now;
      }, 0),
    ),
  };
}

/** Folders of the chips, each once: by its driver (whose name differs between releases) or by the bus. */
function chips(host: Host): string[] {
  const byDriver = ['ina3221x', 'ina3221'].flatMap((driver) =>
    entries(host, `/sys/bus/i2c/drivers/${driver}`, /^\d+-00[0-9a-f]{2}$/),
  );
  const byBus = entries(host, '/sys/bus/i2c/devices', /^\d+-00[0-9a-f]{2}$/).filter((folder) =>
    /^ina3221x?$/.test(readText(host, `${folder}/name`) ?? ''),
  );
  const address = (folder: string) => folder.slice(folder.lastIndexOf('/') + 1);
  return [...new Map([...byBus, ...byDriver].map((folder) => [address(folder), folder])).values()];
}

function railsOf(host: Host, chip: string): Rail[] {
  // A TX2 names the folder both ways; one link of the two is enough.
  const iio = entries(host, chip, /^iio([:_])device\d*$/)[0];
  if (iio) {
    return [0, 1, 2].flatMap((n) => {
      const label = readText(host, `${iio}/rail_name_${n}`) ?? `rail ${n}`;
      return label === 'NC' ? [] : [{ label, paths: [`${iio}/in_power${n}_input`], perWatt: 1e3 }];
    });
  }
  const hwmon = entries(host, `${chip}/hwmon`, /^hwmon\d+$/)[0];
  if (!hwmon) return [];
  return [1, 2, 3].flatMap((n) => {
    const label = readText(host, `${hwmon}/in${n}_label`);
    if (label === null || label === 'NC' || readText(host, `${hwmon}/in${n}_enable`) === '0') return [];
    return [{ label, paths: [`${hwmon}/in${n}_input`, `${hwmon}/curr${n}_input`], perWatt: 1e6 }];
  });
}

function watts(host: Host, { paths, perWatt }: Rail): number | null {
  const factors = paths.map((path) => readNumber(host, path));
  return factors.includes(null)
    ? null
    : factors.reduce<number>((product, factor) => product * (factor ?? 0), 1) / perWatt;
}
