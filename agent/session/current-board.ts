/** What the board is now: described anew before each job and whenever it is asked for, told where it has changed. */
import { isDeepStrictEqual } from 'node:util';
import type { BoardDescription } from '@edgetune/shared/domain/device.ts';
import type { Logger } from '@edgetune/shared/log/logger.ts';
import type { AgentBoard } from '../this-machine/agent-board.ts';

export interface CurrentBoardOptions {
  source: Pick<AgentBoard, 'describe'>;
  /** As it was at the start. */
  board: BoardDescription;
  log: Logger;
  /** It is another than it was. */
  onChange(): void;
}

export class CurrentBoard {
  readonly #options: CurrentBoardOptions;
  #board: BoardDescription;
  /** One after the other: describing may change clocks and power mode for a moment. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: CurrentBoardOptions) {
    this.#options = options;
    this.#board = options.board;
  }

  /** As it was described last. */
  get board(): BoardDescription {
    return this.#board;
  }

  /** @throws {RejectedError} where it cannot be brought into the state that it is to be measured in */
  describe(): Promise<BoardDescription> {
    const described = this.#turn.then(() => this.#describe());
    this.#turn = described.catch(() => {});
    return described;
  }

  async #describe(): Promise<BoardDescription> {
    const { source, log, onChange } = this.#options;
    const before = this.#board;
    this.#board = await source.describe();
    const changes = whatChanged(before, this.#board);
    if (changes.length > 0) {
      log.info(`this board has changed: ${changes.join('; ')}`);
      onChange();
    }
    return this.#board;
  }
}

/** The temperature always does. */
function whatChanged(before: BoardDescription, now: BoardDescription): string[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(now)])] as (keyof BoardDescription)[];
  return keys
    .filter((key) => key !== 'temperatureC' && !isDeepStrictEqual(before[key], now[key]))
    .map((key) => `${key} ${JSON.stringify(before[key])} → ${JSON.stringify(now[key])}`);
}
