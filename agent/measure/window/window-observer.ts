/** What is watched over the measured window and only over it: clocks, warnings, load, energy. */
export interface WindowObserver {
  /** The model is loaded and warm and nothing runs: resolves when the window may begin. */
  begin(): Promise<void>;
  /** The window is over. Called at most once, after `begin`; not at all where the measuring process came to no end. */
  end(): Promise<void>;
  /** Nothing is watched any longer; called always, also without `begin` or `end`. */
  close(): Promise<void>;
}
