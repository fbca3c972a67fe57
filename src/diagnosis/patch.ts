/**
 * A change of a spec, as JSON Patch (RFC 6902) writes it; the operations that a diagnosis needs. Adding at `-` appends.
 */
export interface PatchOperation {
  readonly op: 'add' | 'replace' | 'remove';
  /** JSON Pointer (RFC 6901) into the spec: `/regularizers/0/strength`. */
  readonly path: string;
  readonly value?: unknown;
}

export type SpecPatch = readonly PatchOperation[];

/** The spec with the changes made, one after the other; the spec itself stays as it was. */
export function applyPatch<Spec extends object>(spec: Spec, patch: SpecPatch): Spec {
  const changed = structuredClone(spec);
  for (const operation of patch) change(changed, operation);
  return changed;
}

function change(document: object, { op, path, value }: PatchOperation): void {
  const keys = path.split('/').slice(1).map(unescaped);
  const last = keys.pop();
  let at = document as Record<string, unknown>;
  for (const key of keys) at = at[key] as Record<string, unknown>;
  if (last === undefined || typeof at !== 'object' || at === null) throw new Error(`a patch of nothing: ${path}`);
  if (!Array.isArray(at)) {
    if (op === 'remove') delete at[last];
    else at[last] = value;
    return;
  }
  const list = at as unknown[];
  const index = last === '-' ? list.length : Number(last);
  list.splice(index, op === 'add' ? 0 : 1, ...(op === 'remove' ? [] : [value]));
}

const unescaped = (key: string): string => key.replaceAll('~1', '/').replaceAll('~0', '~');
