/**
 * MQTT topics. MQTT 3.1.1, QoS ≤ 1, no shared subscriptions, no `$SYS`: the same on aedes, Mosquitto and EMQX.
 * The immutable device id stands in the topic; a device's user name and client id are that id too.
 */
const ROOT = 'edgetune/devices';

export const topics = {
  /** agent → coordinator, retained, also the last will: {@link import('./messages.ts').statusMessageSchema}. */
  status: (deviceId: string) => `${ROOT}/${deviceId}/status`,
  /** agent → coordinator, after each connect: who the board is, and which jobs its journal still holds. */
  hello: (deviceId: string) => `${ROOT}/${deviceId}/hello`,
  /** agent → coordinator: a job changed its state. */
  jobUpdate: (deviceId: string) => `${ROOT}/${deviceId}/job-update`,
  /** coordinator → agent: jobs, cancellations, acknowledgements of updates. */
  command: (deviceId: string) => `${ROOT}/${deviceId}/command`,
} as const;

/** What the coordinator subscribes to. */
export const COORDINATOR_SUBSCRIPTIONS = [`${ROOT}/+/status`, `${ROOT}/+/hello`, `${ROOT}/+/job-update`] as const;

export type TopicKind = 'status' | 'hello' | 'job-update' | 'command';

/** Takes a topic apart; null where it is none of EdgeTune's. */
export function parseTopic(topic: string): { deviceId: string; kind: TopicKind } | null {
  const match = /^edgetune\/devices\/([^/+#]+)\/(status|hello|job-update|command)$/.exec(topic);
  return match ? { deviceId: match[1] as string, kind: match[2] as TopicKind } : null;
}
