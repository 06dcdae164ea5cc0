/** Another program that holds a database: prints `held` when it does, and lets go when it is told to. */
import Libsql from 'libsql';

const client = new Libsql(process.argv[2] as string);
client.exec('PRAGMA busy_timeout=10000');
client.exec('BEGIN EXCLUSIVE');
process.stdin.once('data', () => {
  client.exec('ROLLBACK');
  client.close();
  process.exit();
});
process.stdout.write('held\n');
