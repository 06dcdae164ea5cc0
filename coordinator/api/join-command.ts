/** The lines to paste on a board. */
export interface JoinOptions {
  /** Base URL that agents shall use; absent: the address under which the request came in. */
  publicUrl: string | undefined;
  /** Host name of this machine, where the coordinator can be reached from others; absent: it listens on loopback only. */
  reachableAs: string | undefined;
  /** Where agents find the broker, given the Host header of their request. */
  mqttUrlFor(hostHeader: string): string;
}

/** Base URL of this coordinator for boards, given the Host header of a request. */
export function serverFor({ publicUrl, reachableAs }: JoinOptions, hostHeader: string): string {
  // Whoever asks on this machine calls it localhost; a board needs another name.
  const host = reachableAs ? hostHeader.replace(/^(localhost|127\.0\.0\.1|\[::1\])(?=:|$)/, reachableAs) : hostHeader;
  return publicUrl?.replace(/\/$/, '') ?? `http://${host}`;
}

/**
 * `installCommand` makes the agent a service of the board; `command` runs it without root, where Node.js is;
 * `localCommand` is for a simulated board on a machine with this checkout.
 */
export function joinCommands(
  options: JoinOptions,
  hostHeader: string,
  name: string,
  token: string,
): { installCommand: string; command: string; localCommand: string } {
  const server = serverFor(options, hostHeader);
  return {
    installCommand: `curl -fsSL ${server}/install.sh | sudo sh -s -- --name ${name} --token ${token}`,
    command: `ONNXRUNTIME_NODE_INSTALL=skip npx --yes ${server}/agent.tgz run --server ${server} --token ${token}`,
    localCommand: `npx edgetune-agent run --server ${server} --token ${token} --data-dir ./agents/${name} --simulate raspberry-pi-5`,
  };
}
