/** Whether the board stayed as it is described, from before the measured window to after it. */
import type { BoardDescription } from '@edgetune/shared/domain/device.ts';
import { type BoardSetup, powerModeOf } from '../../board/board-setup.ts';
import { currentPowerMode } from '../../board/controls/power-mode.ts';
import { changeOfSettings, speedSettings } from '../../board/speed-settings.ts';
import type { WindowObserver } from './window-observer.ts';

export interface SettingsObserverOptions {
  setup: BoardSetup;
  board: Pick<BoardDescription, 'powerMode' | 'speedSettings'>;
  /** The measurement itself has set the cores' clocks. */
  isPinned: boolean;
}

export class SettingsObserver implements WindowObserver {
  readonly #options: SettingsObserverOptions;
  #change: string | null = null;

  constructor(options: SettingsObserverOptions) {
    this.#options = options;
  }

  /** In words; null: all is as it is described. */
  get change(): string | null {
    return this.#change;
  }

  async begin(): Promise<void> {
    await this.#look();
  }

  async end(): Promise<void> {
    await this.#look();
  }

  async close(): Promise<void> {}

  async #look(): Promise<void> {
    const { setup, board, isPinned } = this.#options;
    const powerMode = powerModeOf(setup, (await currentPowerMode(setup.host))?.name ?? null);
    const settings = changeOfSettings(board.speedSettings ?? [], speedSettings(setup.host), isPinned);
    if (powerMode !== board.powerMode)
      this.#change ??= `the power mode changed while it ran (${board.powerMode} → ${powerMode})`;
    else if (settings !== null) this.#change ??= `the board's clocks or governor changed while it ran (${settings})`;
  }
}
