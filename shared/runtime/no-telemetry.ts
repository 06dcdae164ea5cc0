/**
 * ONNX Runtime reports to its maker unless told not to (since 1.29 on Linux and macOS too): with its environment it makes an
 * identifier of the machine and a queue of what it ran in the user's cache folder (XDG_CACHE_HOME), and asks the network
 * for mobile.events.data.microsoft.com. It reads the variable once, as its first session is made.
 */

/** Call it in whatever process loads ONNX Runtime, before that does: child processes inherit it too. */
export function keepOnnxRuntimeSilent(): void {
  // Node.js sets the environment of the process itself, in its main thread: the library sees it.
  process.env.ORT_DISABLE_TELEMETRY = '1';
}
