import assert from 'node:assert/strict';
import { it } from 'node:test';
import { readPackageEnergy, shareOfPackageEnergyJ } from '../../../coordinator/training/package-energy.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const reading = (energiesUj: number[], busySeconds: number) => ({
  packages: energiesUj.map((energyUj) => ({ energyUj, rangeUj: 100e6 })),
  busySeconds,
});

it('reads the packages, not their parts', (t) => {
  const root = temporaryFolder(t, {
    'intel-rapl:0/energy_uj': '5000000\n',
    'intel-rapl:0/max_energy_range_uj': '262143328850\n',
    'intel-rapl:0:0/energy_uj': '1\n',
    'intel-rapl:0:0/max_energy_range_uj': '2\n',
  });
  assert.deepEqual(readPackageEnergy(root, 7), {
    packages: [{ energyUj: 5_000_000, rangeUj: 262_143_328_850 }],
    busySeconds: 7,
  });
});

it('is absent where there is no meter or it cannot be read', (t) => {
  assert.equal(readPackageEnergy('/nowhere'), null);
  assert.equal(readPackageEnergy(temporaryFolder(t)), null);
  assert.equal(readPackageEnergy(temporaryFolder(t, { 'intel-rapl:0/name': 'package-0' })), null);
});

it('gives a process its share of the busy time', () => {
  assert.equal(shareOfPackageEnergyJ(reading([0, 10e6], 100), reading([20e6, 30e6], 110), 5), 20);
  assert.equal(shareOfPackageEnergyJ(reading([0], 100), reading([20e6], 102), 4), 20, 'never more than all');
});

it('sees a counter start again', () => {
  assert.equal(shareOfPackageEnergyJ(reading([95e6], 0), reading([5e6], 10), 10), 10);
});
