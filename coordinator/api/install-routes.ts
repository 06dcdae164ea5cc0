/** What a board downloads to become a device: the install script with the coordinator's address in it, and its files. */
import { existsSync, readFileSync } from 'node:fs';
import type { Logger } from '@edgetune/shared/log/logger.ts';
import type { Context } from 'hono';
import { z } from 'zod';
import { type AgentRelease, PLATFORMS, type ReleaseFile } from '../fleet/agent-release.ts';
import { fileAnswer } from './file-answer.ts';
import { type JoinOptions, serverFor } from './join-command.ts';
import { HttpProblem } from './problem.ts';
import { bytes, declared, type Routes } from './routes.ts';

export interface InstallOptions extends JoinOptions {
  agentRelease: AgentRelease;
  /** The packed agent, where it was built. */
  agentTarball: string;
  /** The install script, with `@SERVER@` where the coordinator's address belongs, and `@PIN@` for its public key. */
  installScript: string;
  log: Logger;
}

type Files = Record<string, () => Promise<ReleaseFile>>;

/** Names of the files under /install, and how each is made. */
function filesOf({ agentRelease }: InstallOptions): Files {
  return Object.fromEntries(
    PLATFORMS.flatMap((platform) => [
      [`agent-${platform}.tgz`, () => agentRelease.agentFor(platform)],
      [`node-${platform}.tgz`, () => agentRelease.nodeFor(platform)],
    ]),
  );
}

/** The install script, the agent, and the files under /install, each with `.sha256` beside it as sha256sum reads it. */
export function installRoutes(routes: Routes, options: InstallOptions): void {
  const { agentTarball, installScript, log } = options;
  const files = filesOf(options);
  routes.openapi(
    declared({
      method: 'get',
      path: '/install.sh',
      summary: 'The script that installs the agent on a board, with this address in it',
      responses: { 200: bytes('text/x-shellscript', 'The script') },
    }),
    (c) => {
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
    },
  );
  routes.openapi(
    declared({
      method: 'get',
      path: '/agent.tgz',
      summary: 'The agent as an npm package, for boards with Node.js',
      responses: { 200: bytes('application/gzip', 'The package') },
    }),
    (c) => {
      if (!existsSync(agentTarball)) throw notBuilt();
      return c.body(readFileSync(agentTarball), 200, { 'content-type': 'application/gzip' });
    },
  );
  routes.openapi(
    declared({
      method: 'get',
      path: '/install/{file}',
      summary: 'The agent with all that it needs for a platform, or Node.js; or their SHA-256',
      request: { params: z.object({ file: z.enum(Object.keys(files).flatMap((name) => [name, `${name}.sha256`])) }) },
      responses: {
        200: {
          description: 'The file, or a line as sha256sum reads it',
          content: {
            ...bytes('application/gzip', '').content,
            'text/plain': { schema: z.string() },
          },
        },
      },
    }),
    async (c) => {
      const { file } = c.req.valid('param');
      const name = file.replace(/\.sha256$/, '');
      const made = await (files[name] as Files[string])().catch((error: Error) => {
        log.warn(`a board asked for ${name}`, { error });
        throw new HttpProblem(503, error.message);
      });
      return file === name ? answerFile(c, made) : c.text(`${made.sha256}  ${name}\n`);
    },
  );
}

function answerFile(context: Context, { path, sha256, bytes }: ReleaseFile): Response {
  const headers = { 'content-type': 'application/gzip', 'content-length': String(bytes), etag: `"${sha256}"` };
  return fileAnswer(context, path, { headers });
}

function notBuilt(): HttpProblem {
  return new HttpProblem(404, 'the agent is not packed here', 'run "npm run build" in the checkout of the coordinator');
}
