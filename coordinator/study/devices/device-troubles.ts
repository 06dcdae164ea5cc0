/**
 * What a study does about the trouble of its devices. Who fails is tried again with growing pauses by one search at a
 * time; when that has not helped for minutes it is marked: nothing waits for it any more, unless nobody else answers, and
 * it is tried now and then. How each device stands is told as events.
 */
import { type DeviceView, isPresent } from '@edgetune/shared/domain/device.ts';
import { isGivenUp } from '@edgetune/shared/domain/study-device.ts';
import type { StudyDevice } from '@edgetune/shared/domain/study-event.ts';
import type { Clock } from '../../fleet/clock.ts';
import type { Fleet } from '../../fleet/fleet.ts';
import { Changes } from './changes.ts';
import { boundTo } from './device-of.ts';
import { DeviceTroubleError } from './device-trouble-error.ts';

export interface DeviceTroublesOptions {
  /** Names of the study's devices. */
  devices: readonly string[];
  fleet: Pick<Fleet, 'subscribe'>;
  clock: Clock;
  /** True: all are waited for, whoever else answers. */
  waitsForAll: boolean;
  /** How a device stands by the events so far. */
  standingOf(device: string): StudyDevice;
  /** The member of the fleet that it is now. @throws {DeviceTroubleError} where there is none */
  deviceOf(device: string): DeviceView;
  onChange(device: StudyDevice): void;
}

interface Trouble {
  /** Tries that have failed one after another. */
  failures: number;
  /** A search tries the device now. */
  isTried: boolean;
  /** Ends the pause before the next try; null: there is none. */
  endPause: (() => void) | null;
}

/** Before the second try and each that follows: four minutes in all, then the device is marked. */
const PAUSES_MS = [5_000, 15_000, 30_000, 60_000, 130_000] as const;
/** Between the tries of a device that is marked. */
const MARKED_PAUSE_MS = 300_000;
/** How long who needs its answer waits for a device that is away, where others answer. */
const AWAY_MS = 240_000;

export class DeviceTroubles {
  /** Told when a device stands otherwise or is in the fleet otherwise, and when a search on one has ended. */
  readonly changes = new Changes();
  readonly #options: DeviceTroublesOptions;
  readonly #troubles = new Map<string, Trouble>();
  /** How often each device has come back. */
  readonly #returns = new Map<string, number>();
  /** By device that is waited for although it is away: calls off its being marked. */
  readonly #away = new Map<string, () => void>();
  readonly #present: Set<string>;
  readonly #endSubscription: () => void;
  /** How many need the answers now of devices that may be away. */
  #waits = 0;

  constructor(options: DeviceTroublesOptions) {
    this.#options = options;
    this.#present = new Set(options.devices.filter((name) => this.#isThere(name)));
    this.#endSubscription = options.fleet.subscribe(() => this.#look());
  }

  close(): void {
    this.#endSubscription();
    for (const stop of this.#away.values()) stop();
    for (const { endPause } of this.#troubles.values()) endPause?.();
  }

  /** Whether anything waits for the device. */
  isExpected(device: string): boolean {
    const { standing } = this.#options.standingOf(device);
    if (standing === 'left-out') return false;
    if (this.#options.waitsForAll || standing !== 'marked') return true;
    return this.#isAllThereIs();
  }

  /** Whether nobody answers: of a study without any device nothing can be recommended, so that it waits. */
  #isAllThereIs(): boolean {
    return this.#options.devices.every((name) => isGivenUp(this.#options.standingOf(name)));
  }

  /**
   * Does the work, again and again while it fails with a DeviceTroubleError.
   * @throws {DeviceTroubleError} the last one, when this work has failed for minutes and another device answers
   * @throws what else the work throws; the signal's reason when it is aborted
   */
  async attempt<T>(device: string, work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    for (let failures = 0; ; failures++) {
      const trouble = await this.#turn(device, signal);
      const returns = this.#returns.get(device);
      try {
        const result = await work();
        this.#over(device);
        return result;
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof DeviceTroubleError)) throw error;
        this.#failed(device, error.message, trouble);
        if (failures >= PAUSES_MS.length && !this.#options.waitsForAll && !this.#isAllThereIs()) throw error;
      } finally {
        if (trouble) trouble.isTried = false;
        this.changes.tell();
      }
      // Also where others get their answers meanwhile: it may be this very work that brings the device down.
      await this.#pause(device, PAUSES_MS[failures] ?? MARKED_PAUSE_MS, returns, signal);
    }
  }

  /** As `attempt`, but once: of a device that nothing waits for. */
  async tryOnce<T>(device: string, work: () => Promise<T>): Promise<T> {
    const result = await work();
    this.#over(device);
    return result;
  }

  /**
   * Somebody waits for the answers of all devices: from now on until it ends, who is away is waited for a few minutes only.
   * @returns ends it
   */
  wait(): () => void {
    this.#waits++;
    this.#look();
    return () => {
      this.#waits--;
      if (this.#waits === 0) for (const device of [...this.#away.keys()]) this.#stopWaitingForAway(device);
    };
  }

  /**
   * The member of the fleet that the device is. Where it was removed and added again, it is that one from now on, and has come back.
   * @throws {DeviceTroubleError} where there is none
   */
  deviceNow(device: string): DeviceView {
    const [member, standing] = [this.#options.deviceOf(device), this.#options.standingOf(device)];
    if (member.id === standing.deviceId) return member;
    this.#options.onChange(boundTo(standing, member));
    this.#present.delete(device);
    return member;
  }

  /** Who was in trouble when an earlier run ended may be well by now, or have been added again. */
  beginAnew(): void {
    for (const device of this.#options.devices) {
      const { standing } = this.#options.standingOf(device);
      if (standing === 'retrying' || standing === 'marked') this.#set(device, 'expected', null);
    }
    this.#look();
  }

  /** A person has said how a device is to stand, or which one takes its place: what was known of its trouble is over. */
  decided(device: string): void {
    this.#forget(device);
    // Another one that is away has all of the patience before it.
    this.#stopWaitingForAway(device);
    this.#returns.set(device, (this.#returns.get(device) ?? 0) + 1);
    this.#look();
    this.changes.tell();
  }

  /** Waits until the device may be tried. @returns the trouble that the try is to end; null: there is none */
  async #turn(device: string, signal: AbortSignal): Promise<Trouble | null> {
    for (;;) {
      signal.throwIfAborted();
      const trouble = this.#troubles.get(device);
      if (!trouble) return null;
      if (!trouble.isTried && !trouble.endPause) {
        trouble.isTried = true;
        return trouble;
      }
      await this.changes.next(signal);
    }
  }

  #failed(device: string, reason: string, tried: Trouble | null): void {
    const known = this.#troubles.get(device);
    // It began before the trouble that others have met.
    if (known && known !== tried) return;
    const trouble = known ?? { failures: 0, isTried: false, endPause: null };
    this.#troubles.set(device, trouble);
    const pauseMs = PAUSES_MS[trouble.failures];
    trouble.failures++;
    trouble.endPause = this.#options.clock.after(pauseMs ?? MARKED_PAUSE_MS, () => this.#endPause(trouble));
    const again = `it is tried again in ${seconds(pauseMs ?? MARKED_PAUSE_MS)}`;
    // Nothing has waited for it before: that one more try has failed changes nothing of that.
    if (pauseMs === undefined || this.#standing(device) === 'marked')
      this.#set(device, 'marked', `${reason}; ${again}, and nothing waits for it`);
    else this.#set(device, 'retrying', `${reason}; ${again}`);
  }

  #endPause(trouble: Trouble): void {
    trouble.endPause?.();
    trouble.endPause = null;
    this.changes.tell();
  }

  #over(device: string): void {
    this.#forget(device);
    if (['retrying', 'marked'].includes(this.#standing(device))) this.#set(device, 'expected', null);
  }

  #forget(device: string): void {
    this.#troubles.get(device)?.endPause?.();
    this.#troubles.delete(device);
  }

  /** Cut short when the device comes back. */
  async #pause(device: string, ms: number, returns: number | undefined, signal: AbortSignal): Promise<void> {
    let isOver = false;
    const stop = this.#options.clock.after(ms, () => {
      isOver = true;
      this.changes.tell();
    });
    try {
      while (!isOver && this.#returns.get(device) === returns) await this.changes.next(signal);
    } finally {
      stop();
    }
  }

  /** How the devices are in the fleet now. */
  #look(): void {
    let isOtherwise = false;
    for (const device of this.#options.devices) {
      if (this.#standing(device) !== 'left-out' && this.#member(device)) this.deviceNow(device);
      const isThere = this.#isThere(device);
      isOtherwise ||= isThere !== this.#present.has(device);
      if (!isThere) this.#present.delete(device);
      else if (!this.#present.has(device)) this.#returned(device);
      if (isThere || this.#standing(device) === 'left-out') this.#stopWaitingForAway(device);
      else if (this.#waits > 0) this.#waitForAway(device);
    }
    if (isOtherwise) this.changes.tell();
  }

  #waitForAway(device: string): void {
    if (this.#options.waitsForAll || this.#away.has(device) || this.#standing(device) === 'marked') return;
    const mark = () => {
      this.#away.delete(device);
      this.#set(device, 'marked', this.#whyAway(device));
    };
    this.#away.set(device, this.#options.clock.after(AWAY_MS, mark));
  }

  #whyAway(device: string): string {
    try {
      this.#options.deviceOf(device);
      return `${device} is offline: start its agent`;
    } catch (error) {
      if (!(error instanceof DeviceTroubleError)) throw error;
      return error.message;
    }
  }

  #returned(device: string): void {
    this.#present.add(device);
    this.#returns.set(device, (this.#returns.get(device) ?? 0) + 1);
    const trouble = this.#troubles.get(device);
    if (trouble) this.#endPause(trouble);
    else if (this.#standing(device) === 'marked') this.#set(device, 'expected', null);
  }

  #stopWaitingForAway(device: string): void {
    this.#away.get(device)?.();
    this.#away.delete(device);
  }

  #isThere(device: string): boolean {
    return isPresent(this.#member(device));
  }

  #member(device: string): DeviceView | null {
    try {
      return this.#options.deviceOf(device);
    } catch (error) {
      if (!(error instanceof DeviceTroubleError)) throw error;
      return null;
    }
  }

  #standing(device: string): StudyDevice['standing'] {
    return this.#options.standingOf(device).standing;
  }

  #set(device: string, standing: StudyDevice['standing'], reason: string | null): void {
    const before = this.#options.standingOf(device);
    if (before.standing === standing && before.reason === reason) return;
    this.#options.onChange({ ...before, standing, reason });
    this.changes.tell();
  }
}

function seconds(ms: number): string {
  return ms < 120_000 ? `${ms / 1000} s` : `${Math.round(ms / 60_000)} minutes`;
}
