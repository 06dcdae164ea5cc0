/** Requests to the coordinator: JSON in and out, parsed by the contract's schemas, refusals as `ApiError`. */
import { mistakesInLine } from '@edgetune/shared/domain/schema-mistakes.ts';
import { type Problem, problemSchema } from '@edgetune/shared/protocol/http.ts';
import type { z } from 'zod';
import { adminToken, tokenWanted } from '../state/session.ts';

/** A refusal of the coordinator, with its hint and the mistakes in a document that was sent. */
export class ApiError extends Error {
  readonly status: number;
  readonly problem: Problem;

  constructor(status: number, problem: Problem) {
    const issues = problem.issues?.map(({ path, message }) => `${path}: ${message}`).join('; ');
    super([issues ? `${problem.error}: ${issues}` : problem.error, problem.hint].filter(Boolean).join(' – '));
    this.status = status;
    this.problem = problem;
  }
}

/** Sends a request with the admin token, where there is one. @throws {ApiError} for any status but 2xx. */
export async function request(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  if (adminToken.value !== null) headers.set('authorization', `Bearer ${adminToken.value}`);
  const response = await fetch(path, { ...init, headers }).catch((error: Error) => {
    if (error.name === 'AbortError') throw error;
    throw noAnswer();
  });
  if (response.status === 401) tokenWanted.value = true;
  if (!response.ok) throw new ApiError(response.status, await problemOf(response));
  return response;
}

export async function getJson<T extends z.ZodType>(path: string, schema: T): Promise<z.output<T>> {
  return answerOf(await request(path), schema);
}

/** What a response says. @throws {ApiError} in words where this page cannot read it */
export async function answerOf<T extends z.ZodType>(response: Response, schema: T): Promise<z.output<T>> {
  const body: unknown = await response.json().catch(() => {
    throw unreadable(response.status, 'it is no JSON');
  });
  return readAnswer(body, schema, response.status);
}

/** The same of a body that was received already. */
export function readAnswer<T extends z.ZodType>(body: unknown, schema: T, status = 200): z.output<T> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw unreadable(status, mistakesInLine(parsed.error));
}

function unreadable(status: number, why: string): ApiError {
  return new ApiError(status, {
    error: `this page cannot read the coordinator's answer: ${why}`,
    hint: 'load the page again: the coordinator may be of another version by now',
  });
}

export async function sendJson(method: 'POST' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<Response> {
  return request(path, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
}

/** Saves an answer as a file. A plain link could not send the token. */
export async function download(path: string, fileName: string): Promise<void> {
  saveFile(await (await request(path)).blob(), fileName);
}

/** Hands content to the browser as a file. */
export function saveFile(content: Blob, fileName: string): void {
  const url = URL.createObjectURL(content);
  const link = document.createElement('a');
  link.href = url;
  link.download = fileName;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Sends a file as it is, and tells how much of it has gone. @throws {ApiError} as `request` does. */
export function upload(path: string, body: File | FormData, onProgress: (share: number) => void): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const sender = new XMLHttpRequest();
    sender.open('POST', path);
    sender.responseType = 'json';
    // A form says of itself what it is, with the line between its parts.
    if (body instanceof File) sender.setRequestHeader('content-type', 'application/octet-stream');
    if (adminToken.value !== null) sender.setRequestHeader('authorization', `Bearer ${adminToken.value}`);
    sender.upload.onprogress = ({ loaded, total }) => onProgress(total > 0 ? loaded / total : 0);
    sender.onload = () => {
      if (sender.status === 401) tokenWanted.value = true;
      if (sender.status >= 200 && sender.status < 300) return resolve(sender.response);
      const problem = problemSchema.safeParse(sender.response);
      reject(new ApiError(sender.status, problem.data ?? { error: `${sender.status} ${sender.statusText}` }));
    };
    sender.onerror = () => reject(noAnswer());
    sender.send(body);
  });
}

function noAnswer(): ApiError {
  return new ApiError(0, { error: 'the coordinator does not answer', hint: 'is it still running?' });
}

async function problemOf(response: Response): Promise<Problem> {
  const parsed = problemSchema.safeParse(await response.json().catch(() => null));
  return parsed.success ? parsed.data : { error: `${response.status} ${response.statusText}` };
}
