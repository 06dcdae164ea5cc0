/** The line to paste on a board. */
export interface JoinOptions {
  /** Base URL that agents shall use; absent: the address under which the request came in. */
  publicUrl: string | undefined;
  /** Host name of this machine, where the coordinator can be reached from others; absent: it listens on loopback only. */
  reachableAs: string | undefined;
  /** Where agents find the broker, given the Host header of their request. */
  mqttUrlFor(hostHeader: string): string;
}

/** `command` for a board; `localCommand` for a simulated board on a machine with this checkout. */
export function joinCommands(
  { publicUrl, reachableAs }: JoinOptions,
  hostHeader: string,
  name: string,
  token: string,
): { command: string; localCommand: string } {
  // Whoever asks on this machine calls it localhost; a board needs another name.
  const host = reachableAs ? hostHeader.replace(/^(localhost|127\.0\.0\.1|\[::1\])(?=:|$)/, reachableAs) : hostHeader;
  const server = publicUrl?.replace(/\/$/, '') ?? `http://${host}`;
  return {
    command: `ONNXRUNTIME_NODE_INSTALL=skip npx --yes ${server}/agent.tgz run --server ${server} --token ${token}`,
    localCommand: `npx edgetune-agent run --server ${server} --token ${token} --data-dir ./agents/${name} --simulate raspberry-pi-5`,
  };
}
