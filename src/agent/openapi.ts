// Owns the OpenAPI 3.1 document of the agent's API, made from the table of routes and the schemas.
// Nothing here is written by hand that a route knows; the shapes are JSON Schema 2020-12, as OpenAPI 3.1 has them.

import { z } from 'zod';
import {
  Attachment,
  AttachRequest,
  CandidateVerdict,
  DetachRequest,
  RecoverRequest,
  Release,
  ReleaseList,
} from '../model/attachment.ts';
import { CorruptLease, Lease, Quarantine, VfKey } from '../model/lease.ts';
import { Snapshot } from '../model/snapshot.ts';
import { VfSettings } from '../model/vf.ts';
import { Vm, VmNic } from '../model/vm.ts';
import {
  AgentEvent,
  AgentStatus,
  DriftItem,
  DriftReport,
  ErrorAnswer,
  Explanation,
  LeaseList,
  VmList,
} from './agent-answers.ts';
import type { Route } from './route.ts';

/** Version of the API's contract; the second number rises with additions. */
const apiVersion = '1.2';

/** Schemas that have a name in the document; everything else stands where it is used. */
const named = {
  AgentEvent,
  AgentStatus,
  AttachRequest,
  Attachment,
  CandidateVerdict,
  CorruptLease,
  DetachRequest,
  DriftItem,
  DriftReport,
  ErrorAnswer,
  Explanation,
  Lease,
  LeaseList,
  Quarantine,
  RecoverRequest,
  Release,
  ReleaseList,
  Snapshot,
  VfKey,
  VfSettings,
  Vm,
  VmList,
  VmNic,
} as const satisfies Record<string, z.ZodType>;

type JsonObject = Readonly<Record<string, unknown>>;

/** The document for these routes. */
export function describeApi(routes: readonly Route[]): JsonObject {
  const paths: Record<string, Record<string, JsonObject>> = {};
  for (const route of routes) (paths[route.path] ??= {})[route.method.toLowerCase()] = describeRoute(route);
  return {
    openapi: '3.1.1',
    info: {
      title: 'vfleet agent',
      version: apiVersion,
      description: 'SR-IOV networking of one host: who has which VF, and giving and taking them.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: 'http://localhost', description: 'HTTP on the Unix socket /run/vfleet/agent.sock' }],
    paths,
    components: { schemas: componentSchemas() },
  };
}

function describeRoute(route: Route): JsonObject {
  const type = route.form === 'json' ? 'application/json' : 'application/x-ndjson';
  return {
    operationId: route.id,
    summary: route.summary,
    ...(route.request === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: schemaOf(route.request) } },
          },
        }),
    responses: {
      200: { description: 'Done', content: { [type]: { schema: schemaOf(route.answer) } } },
      default: {
        description: 'Not done, and why',
        content: { 'application/json': { schema: schemaOf(ErrorAnswer) } },
      },
    },
  };
}

/** A reference to a schema that has a name, the schema itself otherwise. */
function schemaOf(schema: z.ZodType): JsonObject {
  const name = Object.entries(named).find(([, each]) => each === schema)?.[0];
  return name === undefined ? withoutFrame(z.toJSONSchema(schema)) : { $ref: referenceTo(name) };
}

function referenceTo(name: string): string {
  return `#/components/schemas/${name}`;
}

function componentSchemas(): Record<string, JsonObject> {
  const registry = z.registry<{ id: string }>();
  for (const [name, schema] of Object.entries(named)) registry.add(schema, { id: name });
  const { schemas } = z.toJSONSchema(registry, { uri: referenceTo });
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, withoutFrame(schema)]));
}

/** `$schema` and `$id` are for documents that stand alone; OpenAPI says the dialect for all of them. */
function withoutFrame(schema: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(schema).filter(([key]) => key !== '$schema' && key !== '$id'));
}
