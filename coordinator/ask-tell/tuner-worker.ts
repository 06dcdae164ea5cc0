/** The thread in which tuners decide. */
import { parentPort, workerData } from 'node:worker_threads';
import { type HostReply, hostCallSchema } from './host-messages.ts';
import { Sessions } from './tuner-host.ts';

const sessions = new Sessions({ leaseS: Number(workerData.leaseS) });

function done(message: unknown): HostReply['value'] {
  const { name, args } = hostCallSchema.parse(message);
  switch (name) {
    case 'open':
      sessions.open(...args);
      return undefined;
    case 'answer':
      return sessions.answer(...args);
    case 'standing':
      return sessions.standing(...args);
    case 'progress':
      return sessions.progress(...args);
    case 'drop':
      sessions.drop(...args);
      return undefined;
  }
}

parentPort?.on('message', (message: { call: number }) => {
  const reply = (rest: Omit<HostReply, 'call'>) => parentPort?.postMessage({ call: message.call, ...rest });
  try {
    reply({ value: done(message) });
  } catch (error) {
    reply({ error: (error as Error).message });
  }
});
