/** Writes until it is killed; prints the name of each thing when the store says that it is durable. */
import { openStore } from '../../../coordinator/store/store.ts';

const store = openStore(process.argv[2] as string);
if (!store.studies.get('s-1'))
  store.studies.insert({
    id: 's-1',
    name: 'n',
    yaml: '',
    state: 'running',
    reason: null,
    createdAt: '',
    finishedAt: null,
  });
for (let index = 0; ; index++) {
  store.studies.append('s-1', [{ type: 'warning', message: `event ${index}` }]);
  process.stdout.write(`event ${index}\n`);
  if (index % 10 === 0) process.stdout.write(`${await store.blobs.put(new Uint8Array(1000).fill(index))}\n`);
}
