/** Says of a device that its numbers are computed, and how far they were off where they could be compared. */
import { type BoardDescription, describeSimulated } from '@edgetune/shared/domain/device.ts';
import { Badge } from './badge.tsx';

export function SimulatedNotice({ simulated }: { simulated: NonNullable<BoardDescription['simulated']> }) {
  return (
    <p class="simulated">
      <Badge tone="notice">SIMULATED</Badge> {describeSimulated(simulated)}
    </p>
  );
}
