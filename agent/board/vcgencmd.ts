/** Questions to a Raspberry Pi's firmware. */
import { type Host, HostError } from './host.ts';

/** @throws {HostError} `denied` where this user may not open the firmware's device (/dev/vcio is root:video 0660) */
export async function vcgencmd(host: Host, ...args: string[]): Promise<string> {
  try {
    return await host.run('vcgencmd', args);
  } catch (error) {
    const isDenied = error instanceof HostError && /permission denied|can't open device|VCHI init/i.test(error.message);
    throw isDenied ? new HostError('denied', error.message, { cause: error }) : error;
  }
}
