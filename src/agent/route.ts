// Owns what a route of the agent's API is: one row of the table says path, what goes in, what comes out, and who does it.

import type { z } from 'zod';
import type { AgentServices } from './agent-services.ts';

export interface Route {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** OpenAPI's operationId. */
  readonly id: string;
  readonly summary: string;
  /** Of the JSON in the request's body; absent: there is none, and what is sent is passed over. */
  readonly request?: z.ZodType;
  readonly answer: z.ZodType;
  /** The answer is one JSON document, or one event per line for as long as the client listens. */
  readonly form: 'json' | 'stream';
  /** `body` has been parsed with `request`; `asker` is aborted when the client has gone. Not called for a stream. */
  readonly run: (services: AgentServices, body: unknown, asker: AbortSignal) => Promise<unknown>;
}
