/** "Cannot run here": the board will never be able to do this job as it is. The job ends as rejected. */
export class RejectedError extends Error {
  override name = 'RejectedError';
}
