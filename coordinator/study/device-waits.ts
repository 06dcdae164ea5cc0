/** A study that needs answers of devices says whom it waits for, while one of them is away or in trouble. */
import { isPresent } from '@edgetune/shared/domain/device.ts';
import type { StudyContext } from './context/study-context.ts';

export class DeviceWaits {
  readonly #context: StudyContext;
  /** What each of those who wait now says of it; empty: nothing is missing. */
  readonly #reasons = new Set<() => string>();
  #endListening = () => {};
  /** What the study says now; empty: that it runs. */
  #said = '';
  #sinceMs = 0;

  constructor(context: StudyContext) {
    this.#context = context;
  }

  /** The work needs all devices; who is away is waited for a few minutes only, where others answer. */
  async for<T>(work: () => Promise<T>): Promise<T> {
    const end = this.#context.deviceTroubles.wait();
    try {
      return await this.#saying(() => this.#whatIsMissed(), work);
    } finally {
      end();
    }
  }

  /** A study whose devices are all away waits until one is there, or a person has decided otherwise about them. */
  async untilOneIsThere(): Promise<void> {
    const { emit, signal, deviceTroubles } = this.#context;
    const isAnyThere = () => this.#away().length < this.#expected().length;
    const why = () =>
      isAnyThere() ? '' : `no device of the study is online: start the agent on ${this.#expected().join(', ')}`;
    if (!isAnyThere())
      return this.#saying(why, async () => {
        while (!isAnyThere()) await deviceTroubles.changes.next(signal);
      });
    for (const name of this.#away())
      emit({
        type: 'warning',
        message: `${name} is offline: until it is back its numbers are missing, or predicted from what it has measured`,
      });
  }

  async #saying<T>(reason: () => string, work: () => Promise<T>): Promise<T> {
    const { fleet, subscribe, signal } = this.#context;
    if (this.#reasons.size === 0) {
      const ends = [
        fleet.subscribe(() => this.#look()),
        subscribe((body) => body.type === 'study-device' && this.#look()),
      ];
      this.#endListening = () => ends.forEach((end) => void end());
    }
    this.#reasons.add(reason);
    try {
      this.#look();
      return await work();
    } finally {
      this.#reasons.delete(reason);
      if (this.#reasons.size === 0) this.#endListening();
      if (!signal.aborted) this.#look();
    }
  }

  #look(): void {
    const { emit } = this.#context;
    const now = [...new Set([...this.#reasons].map((reason) => reason()))].filter((text) => text !== '').join('; ');
    const before = this.#said;
    if (now === before) return;
    this.#said = now;
    if (before === '') this.#sinceMs = Date.now();
    else if (now === '') this.#waited();
    emit({ type: 'study-state', state: now ? 'waiting' : 'running', reason: now || null });
  }

  #expected(): string[] {
    const { spec, deviceTroubles } = this.#context;
    return spec.devices.filter((name) => deviceTroubles.isExpected(name));
  }

  /** Those that are not there, of whom answers are expected. */
  #away(): string[] {
    return this.#expected().filter((name) => !isPresent(this.#context.device(name)));
  }

  #whatIsMissed(): string {
    const { spec, standing } = this.#context;
    const away = this.#away();
    const others = this.#expected()
      .filter((name) => !away.includes(name))
      .map(standing);
    const isPatient = spec.deterministic || others.length === 0;
    const them = away.length === 1 ? 'it' : 'them';
    const patience = isPatient ? '' : `, or the study goes on without ${them} in a few minutes`;
    const inTrouble = others.filter((each) => each.standing !== 'expected');
    return [
      ...(away.length > 0 ? [`waiting for ${away.join(', ')}: start the agent there${patience}`] : []),
      ...inTrouble.flatMap(({ reason }) => reason ?? []),
    ].join('; ');
  }

  /** Waiting for a board is no overhead of ours: the timeline tells it apart. */
  #waited(): void {
    this.#context.span({ lane: 'study', kind: 'waiting', trialId: null, startMs: this.#sinceMs, endMs: Date.now() });
  }
}
