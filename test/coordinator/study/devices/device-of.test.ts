/** Which device of the fleet a study's device is, after it was removed, added again, or something else was added under its name. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { DeviceView } from '@edgetune/shared/domain/device.ts';
import type { StudyDevice } from '@edgetune/shared/domain/study-event.ts';
import { deviceOf } from '../../../../coordinator/study/devices/device-of.ts';
import { DeviceTroubleError } from '../../../../coordinator/study/devices/device-trouble-error.ts';

const standing: StudyDevice = { device: 'kitchen-pi', deviceId: 'd-old', standing: 'retrying', reason: 'gone' };
const member = (id: string, name: string, deviceClass = 'pi4', board: unknown = {}) =>
  ({ id, name, deviceClass, board }) as DeviceView;

function lookedUp(members: DeviceView[], measuredClass: string | null = null) {
  const bound: StudyDevice[] = [];
  const fleet = { devices: () => members };
  const device = () => deviceOf({ fleet, standing, measuredClass, onBound: (change) => bound.push(change) });
  return { device, bound };
}

it('is the one that it was, by whatever name it goes now', () => {
  const { device, bound } = lookedUp([member('d-2', 'kitchen-pi'), member('d-old', 'cellar-pi')]);
  const { id, name } = device();
  assert.deepEqual([id, name, bound], ['d-old', 'kitchen-pi', []]);
});

it('is the one that was added under its name again, and that is said', () => {
  for (const measuredClass of [null, 'pi4']) {
    const { device, bound } = lookedUp([member('d-new', 'kitchen-pi')], measuredClass);
    assert.equal(device().id, 'd-new');
    assert.deepEqual(bound, [{ ...standing, deviceId: 'd-new', reason: 'kitchen-pi was added to the fleet again' }]);
  }
});

it('is none of another kind, whatever it is called: that is for a person to decide', () => {
  const { device, bound } = lookedUp([member('d-new', 'kitchen-pi', 'pi5')], 'pi4');
  assert.throws(
    device,
    (error) => error instanceof DeviceTroubleError && /another kind \(pi5, not pi4\)/.test(error.message),
  );
  assert.deepEqual(bound, []);
});

it('is none where nobody has its name, or has not joined yet', () => {
  for (const members of [[], [member('d-2', 'orin')], [member('d-new', 'kitchen-pi', 'pi4', null)]]) {
    const { device, bound } = lookedUp(members);
    assert.throws(device, /^DeviceTroubleError: kitchen-pi was removed from the fleet: add it again under this name/);
    assert.deepEqual(bound, []);
  }
});
