/** Why work ends that the user has not stopped: the coordinator ends, and goes on with it at its next start. */
export class ShutdownError extends Error {
  override name = 'ShutdownError';
  constructor() {
    super('the coordinator ends');
  }
}
