/**
 * Boards that say hello and are none of this fleet's. It may be the wrong data directory that was given here: people are
 * told on page and log, the board is told whom it speaks to, and nobody is made to forget anything.
 */
import { deviceIdSchema } from '@edgetune/shared/domain/device.ts';
import type { Logger } from '@edgetune/shared/log/logger.ts';
import type { StrangerView } from '@edgetune/shared/protocol/http.ts';
import { helloMessageSchema } from '@edgetune/shared/protocol/messages.ts';

/** Who can speak on the broker can call itself anything: of more than these the longest unheard are forgotten. */
const MOST_STRANGERS = 50;

export interface StrangersOptions {
  /** Id of this coordinator. */
  coordinatorId: string;
  log: Logger;
  /** ISO 8601. */
  timestamp(): string;
  onChange(strangers: StrangerView[]): void;
}

export class Strangers {
  readonly #options: StrangersOptions;
  readonly #known = new Map<string, StrangerView & { machineId: string | null }>();

  constructor(options: StrangersOptions) {
    this.#options = options;
  }

  /** Those heard of last come last. */
  list(): StrangerView[] {
    return [...this.#known.values()].map(({ machineId: _, ...stranger }) => stranger);
  }

  /** @param hello what it has said of itself; undefined where it was not let in to say anything */
  heard(deviceId: string, hello?: unknown): void {
    // Ids of devices only: what else logs in is no board.
    if (!deviceIdSchema.safeParse(deviceId).success) return;
    const said = helloMessageSchema.safeParse(hello);
    const before = this.#known.get(deviceId);
    const stranger = {
      deviceId,
      model: said.success ? said.data.board.model : (before?.model ?? null),
      coordinator: said.success ? (said.data.coordinator?.id ?? null) : (before?.coordinator ?? null),
      lastSeenAt: this.#options.timestamp(),
      machineId: said.success ? said.data.board.machineId : (before?.machineId ?? null),
    };
    this.#known.delete(deviceId);
    this.#known.set(deviceId, stranger);
    if (this.#known.size > MOST_STRANGERS) this.#known.delete(this.#known.keys().next().value as string);
    const { coordinatorId, log } = this.#options;
    log.warn(strangerText(stranger, coordinatorId), { deviceId });
    this.#options.onChange(this.list());
  }

  /** It has joined, under an id of this fleet. */
  forget(machineId: string): void {
    const [id] = [...this.#known].find(([, stranger]) => stranger.machineId === machineId) ?? [];
    if (id === undefined) return;
    this.#known.delete(id);
    this.#options.onChange(this.list());
  }
}

function strangerText({ deviceId, model, coordinator }: StrangerView, own: string): string {
  const board = `a board with id ${deviceId}${model === null ? '' : ` (${model})`}`;
  const whose =
    coordinator === own
      ? 'it has joined this coordinator, whose data were lost since, or are of an older backup.'
      : coordinator === null
        ? 'is this the right data directory?'
        : `it has joined the coordinator ${coordinator}: is this the right data directory?`;
  return `${board} that this coordinator (${own}) does not know says hello: ${whose} It keeps what it has; to take it in here, paste the line of "edgetune device add NAME" on it`;
}
