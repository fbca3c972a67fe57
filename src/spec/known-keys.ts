import type { Path } from './issue.js';

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly const?: unknown;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
}

/**
 * The keys that a JSON Schema knows at a path of a value. Of alternatives only those count that the value's own
 * constants (its `type`) do not rule out; where they rule out all, all count.
 */
export function knownKeys(schema: JsonSchema, value: unknown, path: Path): string[] {
  let here = meant(alternatives(schema), value);
  let inner = value;
  for (const key of path) {
    inner = inner !== null && typeof inner === 'object' ? (inner as Record<PropertyKey, unknown>)[key] : undefined;
    const next = here.flatMap(({ properties, items, additionalProperties }) => {
      const child = typeof key === 'number' ? items : (properties?.[String(key)] ?? additionalProperties);
      return typeof child === 'object' ? alternatives(child) : [];
    });
    here = meant(next, inner);
  }
  return [...new Set(here.flatMap(({ properties }) => Object.keys(properties ?? {})))];
}

function meant(schemas: readonly JsonSchema[], value: unknown): readonly JsonSchema[] {
  if (value === null || typeof value !== 'object') return schemas;
  const given = value as Record<string, unknown>;
  const fitting = schemas.filter(({ properties = {} }) =>
    Object.entries(properties).every(
      ([key, { const: only }]) => only === undefined || given[key] === undefined || given[key] === only,
    ),
  );
  return fitting.length === 0 ? schemas : fitting;
}

function alternatives(schema: JsonSchema): JsonSchema[] {
  const inner = [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])];
  return inner.length === 0 ? [schema] : inner.flatMap(alternatives);
}
