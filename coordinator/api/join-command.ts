/** The lines to paste on a board. */
import { curlTo } from '@edgetune/shared/runtime/public-key-pin.ts';

export interface JoinOptions {
  /** Base URL that agents shall use; absent: the address under which the request came in. */
  publicUrl: string | undefined;
  /** Host name of this machine, where the coordinator can be reached from others; absent: it listens on loopback only. */
  reachableAs: string | undefined;
  /** Public key of the coordinator's own certificate; absent: it does not encrypt. */
  tlsPin: string | undefined;
  /** Where agents find the broker, given the Host header of their request, and whether it has that same certificate. */
  brokerFor(hostHeader: string): { mqttUrl: string; mqttSharesKey: boolean };
}

/** Base URL of this coordinator for boards, given the Host header of a request. */
export function serverFor({ publicUrl, reachableAs, tlsPin }: JoinOptions, hostHeader: string): string {
  // Whoever asks on this machine calls it localhost; a board needs another name.
  const host = reachableAs ? hostHeader.replace(/^(localhost|127\.0\.0\.1|\[::1\])(?=:|$)/, reachableAs) : hostHeader;
  return publicUrl?.replace(/\/$/, '') ?? `${tlsPin ? 'https' : 'http'}://${host}`;
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
  const { tlsPin } = options;
  const run = `run --server ${server}${tlsPin ? ` --pin ${tlsPin}` : ''} --token ${token}`;
  const curl = curlTo(tlsPin);
  // npm trusts authorities only: what they do not vouch for is downloaded before.
  const npx = tlsPin
    ? `${curl} -o edgetune-agent.tgz ${server}/agent.tgz && ONNXRUNTIME_NODE_INSTALL=skip npx --yes --package ./edgetune-agent.tgz edgetune-agent`
    : `ONNXRUNTIME_NODE_INSTALL=skip npx --yes ${server}/agent.tgz`;
  return {
    installCommand: `${curl} ${server}/install.sh | sudo sh -s -- --name ${name} --token ${token}`,
    command: `${npx} ${run}`,
    localCommand: `npx edgetune-agent ${run} --data-dir ./agents/${name} --simulate raspberry-pi-5`,
  };
}
