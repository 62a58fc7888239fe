// Owns the reading of a request's body: bounded, as text in UTF-8, as JSON, as what the route's schema says.

import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';
import { messageOf } from '../base/errors.ts';
import { requestError } from './error-answer.ts';

/** An attach request has a few hundred bytes. */
export const maxBodyBytes = 1024 * 1024;
/** More problems than these tell nobody more. */
const shownProblems = 20;

/**
 * The bytes of the body; undefined as soon as it is known to be longer than {@link maxBodyBytes}. Throws `request.invalid`
 * when the client goes away.
 */
export async function readBody(request: IncomingMessage): Promise<Uint8Array | undefined> {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > maxBodyBytes) return undefined;
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  // Listeners, and not for await: leaving that loop would destroy the connection before it is answered.
  return new Promise((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      sizeBytes += chunk.byteLength;
      if (sizeBytes <= maxBodyBytes) chunks.push(chunk);
      else {
        request.pause();
        resolve(undefined);
      }
    });
    request.on('end', () => resolve(Buffer.concat(chunks)));
    request.on('error', (cause) => reject(requestError(`the request ended too early: ${cause.message}`)));
  });
}

/** What a body says. Throws `request.invalid` with a line per problem. */
export function parseBody(bytes: Uint8Array, schema: z.ZodType): unknown {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw requestError(`the body is no JSON: ${messageOf(cause)}`);
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues
    .slice(0, shownProblems)
    .map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`);
  throw requestError(`the body is not what this route takes: ${problems[0] ?? ''}`, problems);
}
