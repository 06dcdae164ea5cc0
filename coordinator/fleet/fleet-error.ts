/** A request about devices that cannot be met; the code tells callers what kind of refusal it is. */
export class FleetError extends Error {
  override name = 'FleetError';
  readonly code: 'no-such-device' | 'name-taken' | 'bad-name' | 'bad-token';
  readonly hint: string;
  constructor(code: FleetError['code'], message: string, hint: string) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}
