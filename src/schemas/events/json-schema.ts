import { z } from 'zod';
import { Attributes, Producer } from './envelope.ts';
import { AgentJson, AgentJsonObject } from './fields.ts';
import { EVENTS, ObservabilityEvent } from './registry.ts';
import type { EventSchema } from './registry.ts';

/** A JSON Schema (2020-12) as a document. */
export type JsonSchema = z.core.JSONSchema.BaseSchema;

/** The name of an event's schema: the same in every deployment, as what it says is. */
export const schemaIdOf = ({ shape }: EventSchema): string =>
  `urn:observatory:event:${shape.type.value}:${shape.v.value}`;

/** The schema of one event by itself, as it is published. */
export function publishedSchema(event: EventSchema): JsonSchema {
  const { $schema, ...schema } = z.toJSONSchema(event, { io: 'input' });
  const title = `${event.shape.type.value}, version ${event.shape.v.value}`;
  return { ...($schema !== undefined && { $schema }), $id: schemaIdOf(event), title, ...schema };
}

/** The name of an event's component in the OpenAPI document: `tool_invocation` 1 is `ToolInvocationV1`. */
export const componentNameOf = ({ shape }: EventSchema): string =>
  `${shape.type.value.replaceAll(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase())}V${shape.v.value}`;

/** The same schemas as components of an OpenAPI document, by name, with `ObservabilityEvent` for any of them. */
export function eventComponents(): Record<string, JsonSchema> {
  const registry = z.registry<{ id: string }>();
  registry.add(AgentJson, { id: 'AgentJson' });
  registry.add(AgentJsonObject, { id: 'AgentJsonObject' });
  registry.add(Attributes, { id: 'EventAttributes' });
  registry.add(Producer, { id: 'EventProducer' });
  for (const event of EVENTS) registry.add(event, { id: componentNameOf(event) });
  registry.add(ObservabilityEvent, { id: 'ObservabilityEvent' });
  const uri = (id: string) => `#/components/schemas/${id}`;
  const { schemas } = z.toJSONSchema(registry, { io: 'input', uri });
  return Object.fromEntries(
    Object.entries(schemas).map(([name, { $schema: _, $id: _id, ...schema }]) => [name, schema]),
  );
}
