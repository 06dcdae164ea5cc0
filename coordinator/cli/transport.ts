/** Requests to a coordinator: what it refuses, and that nobody answers, as errors that say what to do. */
import { mistakesInLine } from '@edgetune/shared/domain/schema-mistakes.ts';
import { type Problem, problemSchema } from '@edgetune/shared/protocol/http.ts';
import { fetchPinned } from '@edgetune/shared/runtime/pinned-fetch.ts';
import { WrongKeyError } from '@edgetune/shared/runtime/pinned-tls.ts';
import type { z } from 'zod';

/** The coordinator refused; the problem says why and what to do. */
export class RefusedError extends Error {
  override name = 'RefusedError';
  readonly status: number;
  readonly problem: Problem;
  constructor(status: number, problem: Problem) {
    const issues = (problem.issues ?? []).map(
      ({ line, path, message }) => `\n  ${line === null ? '' : `line ${line}: `}${path ? `${path}: ` : ''}${message}`,
    );
    super([problem.error, ...issues, problem.hint ? `\n${problem.hint}` : ''].join(''));
    this.status = status;
    this.problem = problem;
  }
}

/** Nobody answers at the coordinator's address. */
export class UnreachableError extends Error {
  override name = 'UnreachableError';
}

export interface ClientOptions {
  server: string;
  token?: string | undefined;
  /** Public key of the coordinator, where it is trusted by that. */
  pin?: string | undefined;
}

/** Sends requests and reads their answers. */
export function createTransport({ server, token, pin }: ClientOptions) {
  const fetch = fetchPinned(pin);
  async function request(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
    const headers: Record<string, string> = {
      ...(token ? { authorization: `Bearer ${token}` } : {}),
      ...(body === undefined
        ? {}
        : { 'content-type': body instanceof Uint8Array ? 'application/octet-stream' : 'application/json' }),
    };
    let response: Response;
    try {
      response = await fetch(new URL(path, server), {
        method,
        headers,
        ...(body === undefined ? {} : { body: body instanceof Uint8Array ? body : JSON.stringify(body) }),
        ...(signal ? { signal } : {}),
      });
    } catch (error) {
      if (signal?.aborted) throw error;
      throw unreachable(server, error as Error);
    }
    if (response.ok) return response;
    const problem = problemSchema.safeParse(await response.json().catch(() => null));
    throw new RefusedError(
      response.status,
      problem.success
        ? problem.data
        : { error: `${server} answered with HTTP ${response.status}: is it an EdgeTune coordinator?` },
    );
  }

  async function json<T extends z.ZodType>(
    schema: T,
    method: string,
    path: string,
    body?: unknown,
  ): Promise<z.output<T>> {
    const answer = schema.safeParse(await (await request(method, path, body)).json());
    if (answer.success) return answer.data;
    throw new Error(
      `the coordinator at ${server} answers as this version of EdgeTune does not know (${mistakesInLine(answer.error)}): use the same version on both`,
    );
  }

  return { request, json };
}

/** @param error of fetch, which has the cause inside */
function unreachable(server: string, error: Error & { cause?: unknown }): UnreachableError {
  const { code, message } = (error.cause ?? error) as NodeJS.ErrnoException;
  if (error instanceof WrongKeyError || code?.includes('CERT') || code === 'UNABLE_TO_VERIFY_LEAF_SIGNATURE')
    return new UnreachableError(
      `the coordinator at ${server} is not trusted: ${message}. With --tls self-signed, give --pin (or EDGETUNE_PIN) as "edgetune serve" printed it`,
      { cause: error },
    );
  return new UnreachableError(
    `no coordinator answers at ${server}: start one with "edgetune serve" (or npm start), or name another with --server`,
    { cause: error },
  );
}
