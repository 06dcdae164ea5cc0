/** Which device of the fleet a study's device is, after it was removed, added again, or something else was added under its name. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { DeviceView } from '@edgetune/shared/domain/device.ts';
import type { StudyDevice } from '@edgetune/shared/domain/study-event.ts';
import { boundTo, deviceOf } from '../../../../coordinator/study/devices/device-of.ts';
import { DeviceTroubleError } from '../../../../coordinator/study/devices/device-trouble-error.ts';

const standing: StudyDevice = { device: 'kitchen-pi', deviceId: 'd-old', standing: 'retrying', reason: 'gone' };
const member = (id: string, name: string, deviceClass = 'pi4', board: unknown = {}) =>
  ({ id, name, deviceClass, board }) as DeviceView;

const lookedUp = (members: DeviceView[], measuredClass: string | null = null) =>
  deviceOf({ fleet: { devices: () => members }, standing, measuredClass: () => measuredClass });

it('is the one that it was, by whatever name it goes now', () => {
  const { id, name } = lookedUp([member('d-2', 'kitchen-pi'), member('d-old', 'cellar-pi')]);
  assert.deepEqual([id, name], ['d-old', 'kitchen-pi']);
});

it('is the one that was added under its name again, and that is said', () => {
  for (const measuredClass of [null, 'pi4']) {
    const device = lookedUp([member('d-new', 'kitchen-pi')], measuredClass);
    assert.equal(device.id, 'd-new');
    const reason = 'kitchen-pi was added to the fleet again';
    assert.deepEqual(boundTo(standing, device), { ...standing, deviceId: 'd-new', formerIds: ['d-old'], reason });
  }
});

it('is none of another kind, whatever it is called: that is for a person to decide', () => {
  assert.throws(
    () => lookedUp([member('d-new', 'kitchen-pi', 'pi5')], 'pi4'),
    (error) => error instanceof DeviceTroubleError && /another kind \(pi5, not pi4\)/.test(error.message),
  );
});

it('is none where nobody has its name, or has not joined yet', () => {
  for (const members of [[], [member('d-2', 'orin')], [member('d-new', 'kitchen-pi', 'pi4', null)]])
    assert.throws(
      () => lookedUp(members),
      /^DeviceTroubleError: kitchen-pi was removed from the fleet: add it again under this name/,
    );
});
