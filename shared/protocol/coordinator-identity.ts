/** As whom boards, pages and command lines know a coordinator. Without the means to check what it signs: pages have none. */
import { z } from 'zod';

export const coordinatorIdSchema = z.string().regex(/^c-[0-9a-f]{16}$/);

/** As whom boards know a coordinator: the id stays for ever, the key may be replaced. */
export const coordinatorIdentitySchema = z.object({
  id: coordinatorIdSchema,
  /** Ed25519, SubjectPublicKeyInfo, in base64. */
  publicKey: z.string().regex(/^[A-Za-z0-9+/]{59}=$/),
});
export type CoordinatorIdentity = z.infer<typeof coordinatorIdentitySchema>;
