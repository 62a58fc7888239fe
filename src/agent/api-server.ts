// Owns the agent's HTTP server: connections and their bounds, the way from a request to its route, and the answers.
// Knows no route by itself; who may connect is asked of socket-access.ts, what is done is the services'.

import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { VfleetError } from '../base/errors.ts';
import { readPeerCredentials } from '../kernel/peer-credentials.ts';
import type { AgentServices } from './agent-services.ts';
import { refusalOf, requestError } from './error-answer.ts';
import { maxBodyBytes, parseBody, readBody } from './request-body.ts';
import type { Route } from './route.ts';
import { routes } from './route-table.ts';
import { mayUseAgent } from './socket-access.ts';

/** Clients are a few commands and dashboards; what comes beyond waits in vain and is dropped. */
const maxConnections = 64;
/** Some connections stay for those who ask and go. */
const maxStreams = 16;
const maxHeaderBytes = 16 * 1024;
/** A local client sends a request at once. */
const headersTimeoutMs = 5_000;
const requestTimeoutMs = 10_000;
/** How often Node looks for requests that take too long. */
const checkIntervalMs = 2_000;
const keepAliveMs = 5_000;
/** A client that takes nothing of its answer for so long is gone. */
const writeTimeoutMs = 30_000;
/** A listener that has so much of its events waiting does not read them. */
const maxWaitingEventBytes = 1024 * 1024;

export interface ApiServer {
  /** Begins to listen. Throws what Node throws. */
  listen(path: string): Promise<void>;
  /** Takes no more requests, waits for those under way at most so long, and closes every connection. */
  close(waitMs: number): Promise<void>;
}

export interface ApiServerOptions {
  readonly services: AgentServices;
  /** Our own user, and the group whose members may use the agent. */
  readonly access: { readonly uid: number; readonly groupId: number | undefined };
  /** Told of requests that failed by a fault of ours, and of connections that could not be taken. */
  readonly onFault: (what: string, error: unknown) => void;
}

/** The server of the agent's API; it listens to nothing yet. */
export function createApiServer(options: ApiServerOptions): ApiServer {
  const state = new ServerState(options);
  const server = createServer(
    {
      maxHeaderSize: maxHeaderBytes,
      headersTimeout: headersTimeoutMs,
      requestTimeout: requestTimeoutMs,
      connectionsCheckingInterval: checkIntervalMs,
      keepAliveTimeout: keepAliveMs,
    },
    (request, response) => void state.serve(request, response),
  );
  server.maxConnections = maxConnections;
  server.on('connection', (socket) => state.admit(socket));
  server.on('clientError', answerBrokenRequest);
  return {
    listen: async (path) =>
      new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(path, () => {
          server.off('error', reject);
          followAccept(server, options.onFault);
          resolve();
        });
      }),
    close: async (waitMs) => state.close(server, waitMs),
  };
}

/**
 * accept(2) fails where there is no memory or no descriptor left. Who wanted to connect is gone then, and the next one may
 * be served; the same failure is told once until then.
 */
function followAccept(server: Server, onFault: ApiServerOptions['onFault']): void {
  let told: string | undefined;
  server.on('error', (error) => {
    if (error.message !== told) onFault('taking a connection', error);
    told = error.message;
  });
  server.on('connection', () => {
    told = undefined;
  });
}

class ServerState {
  readonly #options: ApiServerOptions;
  /** Connections of processes that may not use the agent, and why. */
  readonly #refused = new WeakMap<Socket, VfleetError>();
  readonly #underWay = new Set<Promise<void>>();
  /** Connections with an answer that has not left yet, or with a stream. */
  readonly #busy = new WeakSet<Socket>();
  readonly #streams = new Set<ServerResponse>();
  #isClosing = false;

  constructor(options: ApiServerOptions) {
    this.#options = options;
  }

  /** Judges who connected, once per connection: credentials are those of the moment of connect(2). */
  admit(socket: Socket): void {
    try {
      const peer = readPeerCredentials(socket);
      if (mayUseAgent(peer, this.#options.access)) return;
      const who = peer === undefined ? 'the process' : `process ${peer.pid} of user ${peer.uid}`;
      const refusal = new VfleetError('permission.missing', `${who} may not use the agent`, {
        hint: 'run as root, or join the group vfleet',
      });
      this.#refused.set(socket, refusal);
    } catch (error) {
      this.#options.onFault('credentials of a connection', error);
      socket.destroy();
    }
  }

  /** Answers a request. Who sends another one before that is cut off: connections bound what is under way. */
  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { socket } = request;
    if (this.#busy.has(socket)) {
      socket.destroy();
      return;
    }
    this.#busy.add(socket);
    const work = this.#answerWhole(request, response);
    this.#underWay.add(work);
    try {
      await work;
    } finally {
      this.#underWay.delete(work);
    }
  }

  /** Until the answer has left, or its reader has; a stream is no answer to wait for. */
  async #answerWhole(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new Promise<void>((resolve) => {
      response.on('close', () => resolve());
    });
    await this.#answer(request, response);
    if (this.#streams.has(response)) return;
    await gone;
    this.#busy.delete(request.socket);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refusal = this.#refused.get(request.socket);
    if (refusal !== undefined) return sendRefusal(response, refusal);
    if (this.#isClosing) return sendRefusal(response, stopping());
    const [path] = (request.url ?? '').split('?');
    const found = routes.filter((route) => route.path === path);
    if (found.length === 0) return sendRefusal(response, requestError('there is no such route'), 404);
    const route = found.find(({ method }) => method === request.method);
    if (route === undefined) {
      response.setHeader('allow', found.map(({ method }) => method).join(', '));
      return sendRefusal(response, requestError(`${path} is not for ${request.method}`), 405);
    }
    try {
      await this.#run(route, request, response);
    } catch (error) {
      if (!(error instanceof VfleetError) || error.code === 'internal.bug')
        this.#options.onFault(`${route.method} ${route.path}`, error);
      sendRefusal(response, error);
    }
  }

  async #run(route: Route, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (route.form === 'stream') return this.#stream(response);
    let body: unknown;
    if (route.request !== undefined) {
      const bytes = await readBody(request);
      if (bytes === undefined)
        return sendRefusal(response, requestError(`the body has more than ${maxBodyBytes} bytes`), 413);
      body = parseBody(bytes, route.request);
    }
    const { services } = this.#options;
    sendJson(
      response,
      200,
      await whileThere(request.socket, async (asker) => route.run(services, body, asker)),
    );
  }

  #stream(response: ServerResponse): void {
    if (this.#streams.size >= maxStreams) {
      const full = new VfleetError('agent.unreachable', `${maxStreams} clients listen to events already`);
      return sendRefusal(response, full);
    }
    response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
    response.flushHeaders();
    const unsubscribe = this.#options.services.subscribe((event) => {
      response.write(`${JSON.stringify(event)}\n`);
      if (response.writableLength > maxWaitingEventBytes) response.destroy();
    });
    this.#streams.add(response);
    response.on('close', () => {
      unsubscribe();
      this.#streams.delete(response);
    });
  }

  async close(server: Server, waitMs: number): Promise<void> {
    this.#isClosing = true;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const stream of this.#streams) stream.end();
    server.closeIdleConnections();
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise<void>((resolve) => (timer = setTimeout(resolve, waitMs)));
    await Promise.race([Promise.allSettled(this.#underWay), tooLong]);
    // The answers have left; what is still open is idle, or has taken too long.
    await Promise.race([closed, tooLong, drained(server)]);
    clearTimeout(timer);
    server.closeAllConnections();
    await closed;
  }
}

/** Connections whose last answer has just left become idle a moment later, and do not close by themselves at once. */
async function drained(server: Server): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  server.closeIdleConnections();
}

/** Does work for a client; the signal is aborted when its connection closes meanwhile. */
async function whileThere<T>(socket: Socket, work: (asker: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const onClose = (): void => controller.abort();
  if (socket.closed) onClose();
  socket.on('close', onClose);
  try {
    return await work(controller.signal);
  } finally {
    socket.off('close', onClose);
  }
}

function stopping(): VfleetError {
  return new VfleetError('agent.unreachable', 'the agent is being stopped');
}

function sendRefusal(response: ServerResponse, thrown: unknown, status?: number): void {
  const refusal = refusalOf(thrown, status);
  // What is left of the request is not read: the connection ends with the answer.
  response.setHeader('connection', 'close');
  sendJson(response, refusal.status, refusal.body);
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  if (response.headersSent || response.destroyed) return;
  const text = `${JSON.stringify(value)}\n`;
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
  });
  const { socket } = response;
  const onTimeout = (): void => void socket?.destroy();
  socket?.setTimeout(writeTimeoutMs, onTimeout);
  // The time itself is Node's again, which waits for the next request.
  response.on('finish', () => socket?.off('timeout', onTimeout));
  response.end(text);
}

/** Bytes that are no HTTP, headers that are too long, requests that take too long: Node tells, and we answer. */
function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const [status, reason, message] =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? [431, 'Request Header Fields Too Large', 'the headers are too long']
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? [408, 'Request Timeout', 'the request took too long']
        : [400, 'Bad Request', 'this is no HTTP request'];
  const text = `${JSON.stringify(refusalOf(requestError(message)).body)}\n`;
  socket.end(
    `HTTP/1.1 ${status} ${reason}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
  );
}
