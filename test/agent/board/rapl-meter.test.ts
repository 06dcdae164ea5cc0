/** The powercap tree as https://docs.kernel.org/power/powercap/powercap.html shows it: zones with energy_uj and its range. */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { findRaplMeter } from '../../../agent/board/rapl-meter.ts';
import { perSample } from '../../../agent/measure/window-energy.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const zone = (name: string, energyUj: number, rangeUj = 262_143_328_850) => ({
  [`${name}/name`]: 'package-0\n',
  [`${name}/energy_uj`]: `${energyUj}\n`,
  [`${name}/max_energy_range_uj`]: `${rangeUj}\n`,
});

describe('the RAPL meter', () => {
  it('adds up the packages, without the zones inside them, and goes on when a counter wraps', (t) => {
    const root = temporaryFolder(t, {
      ...zone('intel-rapl:0', 1_000_000),
      ...zone('intel-rapl:1', 999_000, 1_000_000),
      ...zone('intel-rapl:0:0', 5),
    });
    const meter = findRaplMeter(root);
    assert.ok(meter);
    assert.equal(meter.readJ(), 0);
    writeFileSync(join(root, 'intel-rapl:0/energy_uj'), '3500000\n');
    writeFileSync(join(root, 'intel-rapl:1/energy_uj'), '499000\n');
    // 3.5 − 1 J, and from 0.999 J over the range of 1 J to 0.499 J: 0.5 J more.
    assert.equal(meter.readJ(), 3);
    assert.equal(meter.readJ(), 3);
  });

  it('is absent, not zero, where there is none or it may not be read', (t) => {
    assert.equal(findRaplMeter(join(temporaryFolder(t), 'nowhere')), null);
    const root = temporaryFolder(t, zone('intel-rapl:0', 1));
    rmSync(join(root, 'intel-rapl:0/energy_uj'));
    assert.equal(findRaplMeter(root), null);
  });

  it('gives net and gross joules per sample of the window', () => {
    // 20 J in 2 s are 10 W, of which 4 W idle; 100 samples in 1 s: 0.1 J gross, 0.06 J net each.
    const energy = perSample({ meter: 'RAPL', idleW: 4, grossJ: 20, windowMs: 2000 }, { samples: 100, windowMs: 1000 });
    assert.deepEqual([energy.meanPowerW, energy.grossJ, energy.netJ, energy.source], [10, 0.1, 0.06, 'meter']);
  });
});
