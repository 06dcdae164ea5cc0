/** The devices that a study or a bench is for, each with its presence and whether it is simulated. */
import type { DeviceView } from '@edgetune/shared/domain/device.ts';
import { ChoicesField, type FieldProps } from './fields.tsx';

type DevicesFieldProps = Pick<FieldProps, 'draft' | 'fields'> & { devices: readonly DeviceView[] };

export function DevicesField({ devices, ...bound }: DevicesFieldProps) {
  return (
    <ChoicesField
      {...bound}
      path={['devices']}
      label="Devices"
      options={devices.map(({ name, presence, board }) => ({
        value: name,
        label: `${name} (${presence}${board?.simulated ? `, simulated ${board.simulated.profile}` : ''})`,
      }))}
    />
  );
}
