/** A device could not do its part, for reasons of its own: they say nothing of the model, and may pass. */
export class DeviceTroubleError extends Error {
  override name = 'DeviceTroubleError';
}
