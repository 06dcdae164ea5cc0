/** Content-addressed bytes: models and checkpoints, named by their SHA-256. */
export interface BlobStore {
  /** Stores the bytes durably and returns their SHA-256. @throws {Error} naming the quota or the full disk */
  put(bytes: Uint8Array): Promise<string>;
  /** @throws {Error} where the blob is not there or its content does not match its name */
  get(sha256: string): Promise<Uint8Array>;
  has(sha256: string): boolean;
  /** Path for streaming, or null. */
  path(sha256: string): string | null;
  /**
   * Deletes what `inUse` does not name, oldest first, until the quota holds (`all`: whatever the quota says); returns the
   * bytes freed.
   */
  collect(inUse: ReadonlySet<string>, options?: { all?: boolean }): Promise<number>;
}
