/** What was to be kept could not be written: the message says where, why, and what a person can do about it. */
export class NotWrittenError extends Error {
  override name = 'NotWrittenError';
  /** `quota`: of models and checkpoints; `closed`: the coordinator ends. */
  readonly because: 'disk-full' | 'quota' | 'not-allowed' | 'locked' | 'closed';

  constructor(because: NotWrittenError['because'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.because = because;
  }
}
