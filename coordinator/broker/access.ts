/** Who may do what on the broker: a device speaks on its own topics only; the coordinator on all of EdgeTune's. */
import { MAX_MESSAGE_BYTES } from '@edgetune/shared/protocol/messages.ts';
import { COORDINATOR_SUBSCRIPTIONS, parseTopic } from '@edgetune/shared/protocol/topics.ts';

/** User name and client id of the coordinator's own session. No device id has this form. */
export const COORDINATOR_USER = 'coordinator';

interface Publication {
  topic: string;
  payload: Uint8Array | string;
  qos: number;
  retain: boolean;
}

/** Why `user` may not publish this; null: it may. */
export function publishRefusal(user: string, { topic, payload, qos, retain }: Publication): string | null {
  const parsed = parseTopic(topic);
  if (!parsed) return 'it is none of the topics in use';
  if (qos > 1) return 'QoS 2 is not in use';
  if (payload.length > MAX_MESSAGE_BYTES) return `its ${payload.length} bytes are more than ${MAX_MESSAGE_BYTES}`;
  if (user === COORDINATOR_USER) return null;
  if (parsed.deviceId !== user) return 'it is a topic of another device';
  if (parsed.kind === 'command') return 'only the coordinator publishes commands';
  if (retain && parsed.kind !== 'status') return 'only the status may be retained';
  return null;
}

/** A device subscribes to its own commands; the coordinator to what devices say. */
export function maySubscribe(user: string, filter: string): boolean {
  if (user === COORDINATOR_USER) return (COORDINATOR_SUBSCRIPTIONS as readonly string[]).includes(filter);
  return mayReceive(user, filter);
}

/** Checked again for each message that is delivered. */
export function mayReceive(user: string, topic: string): boolean {
  const parsed = parseTopic(topic);
  if (!parsed) return false;
  return user === COORDINATOR_USER ? parsed.kind !== 'command' : parsed.kind === 'command' && parsed.deviceId === user;
}
