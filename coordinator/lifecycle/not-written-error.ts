/** What was to be kept could not be written: the message says where, why, and what a person can do about it. */
export class NotWrittenError extends Error {
  override name = 'NotWrittenError';
  /**
   * `quota`: of models and checkpoints; `refused`: the disk took it not, and says no more than that; `closed`: the
   * coordinator ends.
   */
  readonly because: 'disk-full' | 'quota' | 'not-allowed' | 'refused' | 'locked' | 'closed';

  constructor(because: NotWrittenError['because'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.because = because;
  }

  /** Whether the same may be written later, when somebody has done something about the disk. */
  get mayPass(): boolean {
    return this.because !== 'closed';
  }
}
