// Owns the command line's way to the agent: is there one for this host, and its calls as functions.
// What comes back is the agent's own JSON; it is of this program, so its shapes are not checked once more.

import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import type { AgentStatus, DriftReport, LeaseList } from '../agent/agent-answers.ts';
import { errorCodes, VfleetError } from '../base/errors.ts';
import type { VfleetErrorCode } from '../base/errors.ts';
import type {
  Attachment,
  AttachRequest,
  CandidateVerdict,
  DetachRequest,
  RecoverRequest,
  ReleaseList,
} from '../model/attachment.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { Vm } from '../model/vm.ts';
import type { CliContext, LiveHost } from './context.ts';
import { printable } from './render/table.ts';

/** The same as in src/agent/socket-access.ts, written out so that nothing is loaded for it. */
export const systemSocketPath = '/run/vfleet/agent.sock';
/** An agent answers within milliseconds; one that is stopped or hangs must not make a command wait. */
const probeTimeoutMs = 2_000;
/** sun_path of struct sockaddr_un (include/uapi/linux/un.h), with its zero. */
const longestSocketPath = 107;
/** A snapshot of 8 PFs with 256 VFs is 2 MB. */
const maxAnswerBytes = 256 * 1024 * 1024;

/** An agent that answered. Every call fails with the agent's own VfleetError, or `agent.unreachable`. */
export interface AgentClient {
  /** As it was when the agent was found. */
  readonly status: AgentStatus;
  readStatus(): Promise<AgentStatus>;
  readHost(): Promise<Snapshot>;
  listLeases(): Promise<LeaseList>;
  listVms(): Promise<readonly Vm[]>;
  /** By name or UUID. Throws `vm.unknown`. */
  readVm(nameOrUuid: string): Promise<Vm>;
  readDrift(): Promise<DriftReport>;
  explain(request: AttachRequest): Promise<readonly CandidateVerdict[]>;
  attach(request: AttachRequest): Promise<Attachment>;
  detach(request: DetachRequest): Promise<ReleaseList>;
  recover(request: RecoverRequest): Promise<ReleaseList>;
}

/** Where the agent of a host listens: the system's place for this machine, beside its state for a simulated one. */
export function agentSocketOf(host: Pick<LiveHost, 'label' | 'stateFolder'>): string {
  return host.label === 'local' ? systemSocketPath : join(host.stateFolder, 'agent.sock');
}

/**
 * The agent of a host; undefined when there is none, it does not answer, we may not use it, or it is another host's or
 * keeps its state elsewhere: then the command works directly. `signal` as for {@link openAgent}.
 */
export async function findAgent(
  host: Pick<LiveHost, 'label' | 'stateFolder'>,
  signal?: AbortSignal,
): Promise<AgentClient | undefined> {
  const agent = await openAgent(agentSocketOf(host), signal);
  if (agent?.status.stateFolder === host.stateFolder) return agent;
  // Others than root have a state folder of their own, and use root's agent for this machine all the same.
  const isUsersOwn = host.label === 'local' && agent?.status.host === 'local' && process.geteuid?.() !== 0;
  return isUsersOwn ? agent : undefined;
}

/** The agent that a command asks: that of the host, unless {@link matchingAgent} is against it. */
export async function findMatchingAgent(
  context: Pick<CliContext, 'terminal' | 'version' | 'signal'>,
  host: Pick<LiveHost, 'label' | 'stateFolder'>,
): Promise<AgentClient | undefined> {
  const agent = await findAgent(host, context.signal);
  return agent === undefined ? undefined : matchingAgent(context, host, agent);
}

/**
 * An agent of another version, which runs on after an upgrade, may not understand what a command asks: that is said in a
 * line, and it is undefined, so that the command works directly. Only who has a state folder of his own, where the host's
 * leases are not, asks it all the same.
 */
export function matchingAgent<Agent extends Pick<AgentClient, 'status'>>(
  { terminal, version }: Pick<CliContext, 'terminal' | 'version'>,
  host: Pick<LiveHost, 'label' | 'stateFolder'>,
  agent: Agent,
): Agent | undefined {
  const { status } = agent;
  if (status.version === version) return agent;
  const canWorkDirectly = status.stateFolder === host.stateFolder;
  const versions = `the agent is vfleet ${printable(status.version)}, this command ${version}`;
  const work = canWorkDirectly ? ', and works without it' : '';
  const how = host.label === 'local' ? ': systemctl restart vfleet-agent' : '';
  terminal.note(`${versions}${work}; restart the agent${how}`);
  return canWorkDirectly ? undefined : agent;
}

/**
 * The agent at a socket; undefined when nobody answers there, or we may not use it. Once the signal is aborted, calls hang
 * up with `apply.interrupted`: the agent ends what still waits, and finishes what it has begun.
 */
export async function openAgent(socketPath: string, signal?: AbortSignal): Promise<AgentClient | undefined> {
  if (Buffer.byteLength(socketPath) > longestSocketPath) return undefined;
  let status: AgentStatus;
  try {
    status = (await ask(socketPath, 'GET', '/v1/status', {
      timeoutMs: probeTimeoutMs,
      signal,
    })) as AgentStatus;
  } catch (error) {
    const isAway =
      error instanceof VfleetError &&
      (error.code === 'agent.unreachable' || error.code === 'permission.missing');
    if (isAway) return undefined;
    throw error;
  }
  return clientOf(socketPath, status, signal);
}

function clientOf(socketPath: string, status: AgentStatus, signal: AbortSignal | undefined): AgentClient {
  const get = async <T>(path: string): Promise<T> => (await ask(socketPath, 'GET', path, { signal })) as T;
  const post = async <T>(path: string, body: unknown): Promise<T> =>
    (await ask(socketPath, 'POST', path, { body, signal })) as T;
  const listVms = async (): Promise<readonly Vm[]> => (await get<{ vms: Vm[] }>('/v1/vms')).vms;
  return {
    status,
    readStatus: async () => get<AgentStatus>('/v1/status'),
    readHost: async () => get<Snapshot>('/v1/show'),
    listLeases: async () => get<LeaseList>('/v1/leases'),
    listVms,
    readVm: async (nameOrUuid) => findVm(await listVms(), nameOrUuid),
    readDrift: async () => get<DriftReport>('/v1/drift'),
    explain: async (request) =>
      (await post<{ candidates: CandidateVerdict[] }>('/v1/attach/explain', request)).candidates,
    attach: async (request) => post<Attachment>('/v1/attach', request),
    detach: async (request) => post<ReleaseList>('/v1/detach', request),
    recover: async (request) => post<ReleaseList>('/v1/recover', request),
  };
}

function findVm(vms: readonly Vm[], nameOrUuid: string): Vm {
  const vm =
    vms.find(({ uuid }) => uuid === nameOrUuid.toLowerCase()) ?? vms.find(({ name }) => name === nameOrUuid);
  if (vm !== undefined) return vm;
  throw new VfleetError('vm.unknown', `the hypervisor has no VM ${JSON.stringify(nameOrUuid)}`);
}

interface AskOptions {
  readonly body?: unknown;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** One request and its answer. Throws what the agent says, `agent.unreachable`, or `apply.interrupted`. */
async function ask(
  socketPath: string,
  method: 'GET' | 'POST',
  path: string,
  { body, timeoutMs, signal }: AskOptions,
): Promise<unknown> {
  const text = body === undefined ? '' : JSON.stringify(body);
  const headers =
    text === '' ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
  const { status, answer } = await new Promise<{ status: number; answer: string }>((resolve, reject) => {
    const fail = (why: string): void =>
      reject(signal?.aborted === true ? interrupted() : unreachable(socketPath, why));
    // A connection of its own, which does not keep the process alive afterwards.
    const asking = httpRequest({ socketPath, method, path, headers, agent: false, signal }, (response) => {
      const chunks: Buffer[] = [];
      let sizeBytes = 0;
      response.on('data', (chunk: Buffer) => {
        sizeBytes += chunk.byteLength;
        if (sizeBytes > maxAnswerBytes) response.destroy(new Error('its answer is too long'));
        else chunks.push(chunk);
      });
      response.on('error', (error) => fail(error.message));
      response.on('aborted', () => fail('it went away in the middle of its answer'));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, answer: Buffer.concat(chunks).toString('utf8') }),
      );
    });
    asking.on('error', (error) => fail(error.message));
    if (timeoutMs !== undefined) {
      asking.setTimeout(timeoutMs, () => asking.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)));
    }
    asking.end(text);
  });
  const value = parseAnswer(socketPath, answer);
  if (status === 200) return value;
  throw errorOf(socketPath, value);
}

function parseAnswer(socketPath: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw unreachable(socketPath, 'its answer is no JSON');
  }
}

/** The error that the agent had, as if it were ours. */
function errorOf(socketPath: string, value: unknown): VfleetError {
  if (typeof value === 'object' && value !== null && 'error' in value && 'message' in value) {
    const { error: code, message } = value;
    if (typeof code === 'string' && typeof message === 'string' && Object.hasOwn(errorCodes, code)) {
      return new VfleetError(code as VfleetErrorCode, message, {
        ...('hint' in value && typeof value.hint === 'string' ? { hint: value.hint } : {}),
        ...('details' in value && typeof value.details === 'object' && value.details !== null
          ? { details: value.details }
          : {}),
      });
    }
  }
  return unreachable(socketPath, 'its answer is not understood');
}

function interrupted(): VfleetError {
  return new VfleetError('apply.interrupted', 'asked to stop; what the agent has begun, it finishes', {
    hint: 'see `vfleet leases` for what was done',
  });
}

function unreachable(socketPath: string, why: string): VfleetError {
  return new VfleetError('agent.unreachable', `the agent at ${socketPath}: ${why}`, {
    hint: 'see `vfleet leases` for what was done; --no-agent works without it',
    details: { file: socketPath },
  });
}
