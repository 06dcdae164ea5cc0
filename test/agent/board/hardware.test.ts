import assert from 'node:assert/strict';
import { it } from 'node:test';
import { hardwareOf } from '../../../agent/board/hardware.ts';
import { FixtureHost } from '../../support/fixture-host.ts';

const SERIAL = '/proc/device-tree/serial-number';
const card = (name: string, address: string, isReal = true, assigned = '0') => ({
  [`/sys/class/net/${name}/address`]: `${address}\n`,
  [`/sys/class/net/${name}/addr_assign_type`]: `${assigned}\n`,
  ...(isReal ? { [`/sys/class/net/${name}/device/uevent`]: 'DRIVER=x' } : {}),
});
const of = (files: Record<string, string>) => hardwareOf(new FixtureHost({ files }));

it('a board is known by its serial number, which ends with a NUL in the device tree', () => {
  assert.equal(of({ [SERIAL]: '10000000a1b2c3d4\0', ...card('eth0', 'dc:a6:32:00:00:01') }), 'serial 10000000a1b2c3d4');
  assert.equal(of({ '/sys/class/dmi/id/product_serial': 'PF2ABCDE\n' }), 'serial PF2ABCDE');
});

it('where there is none, or what its maker has left in, by a network card that is one', () => {
  for (const none of ['0000000000000000', 'To Be Filled By O.E.M.', 'Default string', ''])
    assert.equal(of({ [SERIAL]: none, ...card('eth0', 'dc:a6:32:00:00:01') }), 'network card dc:a6:32:00:00:01');
  assert.equal(
    of({ ...card('wlan0', '02:00:00:00:00:02'), ...card('enp1s0', '02:00:00:00:00:01') }),
    'network card 02:00:00:00:00:01',
  );
});

it('not by cards that are made up: of containers, bridges, random addresses', () => {
  assert.equal(of(card('eth0', '02:42:ac:11:00:02', false)), undefined);
  assert.equal(of(card('docker0', '02:42:ac:11:00:02')), undefined);
  assert.equal(of(card('wlan0', '12:34:56:78:9a:bc', true, '1')), undefined);
  assert.equal(of({}), undefined);
});
