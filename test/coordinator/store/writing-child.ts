/** Writes until it is killed; prints the name of each thing when the store says that it is durable. */
import { openStore } from '../../../coordinator/store/store.ts';
import { measureRequest } from '../../support/fleet.ts';

const job = {
  deviceId: 'd-000000000001',
  studyId: null,
  request: measureRequest(),
  state: 'running',
  attempt: 1,
  leaseToken: 'lease',
  reason: null,
  createdAt: '',
  updatedAt: '',
} as const;
const store = openStore(process.argv[2] as string);
if (store.studies.list().length === 0)
  await store.studies.insert(
    {
      id: 's-1',
      name: 'n',
      yaml: '',
      state: 'running',
      reason: null,
      createdAt: '2026-01-01T00:00:00.000Z',
      finishedAt: null,
    },
    { type: 'warning', message: 'first' },
  );
await store.devices.insert({
  id: 'd-000000000001',
  name: 'kitchen-pi',
  addedAt: '',
  joinedAt: null,
  lastSeenAt: null,
  board: null,
  credentialHash: null,
});
for (let index = 0; ; index++) {
  await store.studies.append('s-1', [{ type: 'warning', message: `event ${index}` }]).written;
  process.stdout.write(`event ${index}\n`);
  await store.jobs.insert({ ...job, id: `j-${index}` });
  process.stdout.write(`j-${index}\n`);
  if (index % 10 === 0) process.stdout.write(`${await store.blobs.put(new Uint8Array(1000).fill(index))}\n`);
}
