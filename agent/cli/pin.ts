/** The option `--pin` of the commands that begin to trust a coordinator. */
import { publicKeyPinSchema } from '@edgetune/shared/runtime/public-key-pin.ts';
import { InvalidArgumentError } from 'commander';

export const PIN_HELP = 'public key of the coordinator, where it encrypts with one that no authority vouches for';

/** @throws {InvalidArgumentError} */
export function parsePin(text: string): string {
  const parsed = publicKeyPinSchema.safeParse(text);
  if (!parsed.success) throw new InvalidArgumentError(parsed.error.issues[0]?.message ?? '');
  return parsed.data;
}
