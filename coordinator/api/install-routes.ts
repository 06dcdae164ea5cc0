/** What a board downloads to become a device: the install script with the coordinator's address in it, and its files. */
import { existsSync, readFileSync } from 'node:fs';
import { type Context, Hono } from 'hono';
import { type AgentRelease, PLATFORMS, type ReleaseFile } from '../fleet/agent-release.ts';
import { fileAnswer } from './file-answer.ts';
import { type JoinOptions, serverFor } from './join-command.ts';
import { HttpProblem } from './problem.ts';

export interface InstallOptions extends JoinOptions {
  agentRelease: AgentRelease;
  /** The install script, with `@SERVER@` where the coordinator's address belongs, and `@PIN@` for its public key. */
  installScript: string;
  log: (message: string) => void;
}

/** Routes of GET /install.sh and of the files under /install, each with `.sha256` beside it as sha256sum reads it. */
export function installRoutes(options: InstallOptions): Hono {
  const { agentRelease, installScript, log } = options;
  const app = new Hono();
  app.get('/install.sh', (c) => {
    if (!existsSync(installScript)) throw notBuilt();
    const server = serverFor(options, c.req.header('host') ?? '');
    // It becomes part of a script that root runs.
    if (!/^https?:\/\/[\w.:[\]/-]+$/.test(server))
      throw options.publicUrl === undefined
        ? new HttpProblem(400, 'the Host header is no host and port')
        : new HttpProblem(
            500,
            `publicUrl is ${options.publicUrl}, of which no install script can be made`,
            'start the coordinator with one that has letters, digits and - _ . : / [ ] only',
          );
    const script = readFileSync(installScript, 'utf8');
    return c.body(script.replaceAll('@SERVER@', server).replaceAll('@PIN@', options.tlsPin ?? ''), 200, {
      'content-type': 'text/x-shellscript; charset=utf-8',
      'cache-control': 'no-store',
    });
  });
  for (const platform of PLATFORMS) {
    const files = {
      [`agent-${platform}.tgz`]: () => agentRelease.agentFor(platform),
      [`node-${platform}.tgz`]: () => agentRelease.nodeFor(platform),
    };
    for (const [name, make] of Object.entries(files)) {
      const made = () =>
        make().catch((error: Error) => {
          log(`a board asked for ${name}: ${error.message}`);
          throw new HttpProblem(503, error.message);
        });
      app.get(`/install/${name}`, async (c) => answerFile(c, await made()));
      app.get(`/install/${name}.sha256`, async (c) => c.text(`${(await made()).sha256}  ${name}\n`));
    }
  }
  return app;
}

function answerFile(context: Context, { path, sha256, bytes }: ReleaseFile): Response {
  const headers = { 'content-type': 'application/gzip', 'content-length': String(bytes), etag: `"${sha256}"` };
  return fileAnswer(context, path, { headers });
}

function notBuilt(): HttpProblem {
  return new HttpProblem(404, 'the agent is not packed here', 'run "npm run build" in the checkout of the coordinator');
}
