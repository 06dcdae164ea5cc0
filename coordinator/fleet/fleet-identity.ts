/** As whom the fleet speaks to its boards, and what it signs. */
import type { CoordinatorIdentity } from '@edgetune/shared/protocol/coordinator-identity.ts';
import type { Proof, StatementOf } from '@edgetune/shared/protocol/signed.ts';

export interface FleetIdentity {
  coordinator: CoordinatorIdentity;
  succession: Proof['succession'];
  sign(statement: Omit<StatementOf<'release'>, 'coordinator'> | Omit<StatementOf<'removal'>, 'coordinator'>): Proof;
}
