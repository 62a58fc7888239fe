// Owns the table of the API's routes: one row says path, what goes in, what comes out, and who does it.
// The server and the OpenAPI document are both made from it, so they cannot differ.

import { z } from 'zod';
import {
  Attachment,
  AttachRequest,
  DetachRequest,
  RecoverRequest,
  ReleaseList,
} from '../model/attachment.ts';
import { Snapshot } from '../model/snapshot.ts';
import { AgentEvent, AgentStatus, DriftReport, Explanation, LeaseList, VmList } from './agent-answers.ts';
import type { AgentServices } from './agent-services.ts';
import { describeApi } from './openapi.ts';
import type { Route } from './route.ts';

function get(
  path: string,
  id: string,
  summary: string,
  answer: z.ZodType,
  run: (services: AgentServices) => Promise<unknown>,
): Route {
  return { method: 'GET', path, id, summary, answer, form: 'json', run };
}

function post<Body>(
  path: string,
  id: string,
  summary: string,
  request: z.ZodType<Body>,
  answer: z.ZodType,
  run: (services: AgentServices, body: Body, asker: AbortSignal) => Promise<unknown>,
): Route {
  // The server has parsed the body with this row's own schema.
  return {
    method: 'POST',
    path,
    id,
    summary,
    request,
    answer,
    form: 'json',
    run: async (services, body, asker) => run(services, body as Body, asker),
  };
}

export const routes: readonly Route[] = [
  get('/v1/status', 'readStatus', 'What the agent is and how it stands', AgentStatus, async (agent) =>
    agent.readStatus(),
  ),
  get('/v1/openapi.json', 'readApi', 'This description', z.looseObject({ openapi: z.string() }), async () =>
    describeApi(routes),
  ),
  get(
    '/v1/show',
    'readHost',
    'The host as `vfleet show --json` prints it, read now',
    Snapshot,
    async (agent) => agent.readHost(),
  ),
  get(
    '/v1/leases',
    'listLeases',
    'Which VF belongs to whom, which are quarantined, and which leases cannot be understood',
    LeaseList,
    async (agent) => agent.listLeases(),
  ),
  get('/v1/vms', 'listVms', 'The VMs of the hypervisor with their interfaces', VmList, async (agent) =>
    agent.listVms(),
  ),
  get('/v1/drift', 'readDrift', 'Where the host differs from the applied spec', DriftReport, async (agent) =>
    agent.readDrift(),
  ),
  {
    method: 'GET',
    path: '/v1/events',
    id: 'watchEvents',
    summary: 'Events from now on, one JSON object per line',
    answer: AgentEvent,
    form: 'stream',
    run: async () => undefined,
  },
  post('/v1/attach', 'attach', 'Give a VM a VF', AttachRequest, Attachment, async (agent, body, asker) =>
    agent.attach(body, asker),
  ),
  post(
    '/v1/attach/explain',
    'explainAttach',
    'Say of every VF whether it would be taken, and why; nothing is changed',
    AttachRequest,
    Explanation,
    async (agent, body) => agent.explain(body),
  ),
  post('/v1/detach', 'detach', 'Take VFs from a VM', DetachRequest, ReleaseList, async (agent, body, asker) =>
    agent.detach(body, asker),
  ),
  post(
    '/v1/recover',
    'recover',
    'Give back whatever somebody left behind',
    RecoverRequest,
    ReleaseList,
    async (agent, body, asker) => agent.recover(body, asker),
  ),
];
