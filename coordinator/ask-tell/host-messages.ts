/** What the coordinator and the thread of its tuners say to each other. */
import {
  tunerEntrySchema,
  tunerProgressSchema,
  tunerSpecSchema,
  tunerStandingSchema,
} from '@edgetune/shared/protocol/tuner-lines.ts';
import { z } from 'zod';

const id = z.string();

/** A call by its number. */
export const hostCallSchema = z.discriminatedUnion('name', [
  z.object({
    call: z.int(),
    name: z.literal('open'),
    args: z.tuple([id, tunerSpecSchema, z.array(tunerEntrySchema)]),
  }),
  z.object({ call: z.int(), name: z.literal('answer'), args: z.tuple([id, z.string()]) }),
  z.object({ call: z.int(), name: z.literal('standing'), args: z.tuple([id]) }),
  z.object({ call: z.int(), name: z.literal('progress'), args: z.tuple([id]) }),
  z.object({ call: z.int(), name: z.literal('drop'), args: z.tuple([id]) }),
]);

/** `error`: why it could not be done. */
export const hostReplySchema = z.object({
  call: z.int(),
  error: z.string().optional(),
  value: z
    .union([
      z.object({ answer: z.string(), entries: z.array(tunerEntrySchema) }),
      tunerStandingSchema,
      tunerProgressSchema,
    ])
    .optional(),
});
export type HostReply = z.infer<typeof hostReplySchema>;
