// Owns the JSON Schemas that vfleet publishes for editors and other programs: spec, snapshot, plan and so on.
// They follow from the models; what a schema cannot say (rules between values) is checked by vfleet itself.

import { z } from 'zod';
import { DoctorReport } from '../model/finding.ts';
import { Placements } from '../model/placements.ts';
import { Plan } from '../model/plan.ts';
import { Snapshot } from '../model/snapshot.ts';
import { HostSpec, PfMatch, VfsSpec } from '../model/spec.ts';
import { ValidatedList } from '../model/validated-list.ts';
import { Workload } from '../model/workload.ts';
import { vfKeyPattern } from './vf-ranges.ts';

interface PublishedSchema {
  readonly id: string;
  readonly title: string;
  readonly model: z.ZodType;
}

const publishedSchemas: Readonly<Record<string, PublishedSchema>> = {
  'host-spec.schema.json': {
    id: 'urn:vfleet:v1:host-spec',
    title: 'vfleet host spec',
    model: HostSpec,
  },
  'snapshot.schema.json': {
    id: 'urn:vfleet:v1:snapshot',
    title: 'vfleet snapshot',
    model: Snapshot,
  },
  'plan.schema.json': {
    id: 'urn:vfleet:v1:plan',
    title: 'vfleet plan',
    model: Plan,
  },
  'workload.schema.json': {
    id: 'urn:vfleet:v1:workload',
    title: 'vfleet workload for sizing',
    model: Workload,
  },
  'placements.schema.json': {
    id: 'urn:vfleet:v1:placements',
    title: 'vfleet placements of virtual machines on a host',
    model: Placements,
  },
  'doctor.schema.json': {
    id: 'urn:vfleet:v1:doctor',
    title: 'vfleet doctor report',
    model: DoctorReport,
  },
  'validated.schema.json': {
    id: 'urn:vfleet:v1:validated',
    title: 'vfleet list of validated hardware',
    model: ValidatedList,
  },
};

/** The text of every published schema (JSON Schema 2020-12) by the name of its file in `schema/`. */
export function renderSchemas(): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(publishedSchemas).map(([fileName, published]) => [fileName, renderSchema(published)]),
  );
}

function renderSchema({ id, title, model }: PublishedSchema): string {
  const { $schema, ...rest } = z.toJSONSchema(model, {
    target: 'draft-2020-12',
    override: ({ zodSchema, jsonSchema }) => {
      if (zodSchema === VfsSpec) useVfKeys(jsonSchema);
      if (zodSchema === PfMatch) jsonSchema.minProperties = 1;
      dropIntegerBounds(jsonSchema);
    },
  });
  return `${JSON.stringify({ $schema, $id: id, title, ...rest }, null, 2)}\n`;
}

/** `vfs` takes any key as far as its model is concerned; only indexes and ranges of VFs are meant. */
function useVfKeys(schema: z.core.JSONSchema.BaseSchema): void {
  schema.patternProperties = { [vfKeyPattern]: schema.additionalProperties as z.core.JSONSchema.BaseSchema };
  schema.additionalProperties = false;
}

/** The bounds of JavaScript's integers say nothing about the value. */
function dropIntegerBounds(schema: z.core.JSONSchema.BaseSchema): void {
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
}
