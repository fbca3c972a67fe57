import { entryNames, type Manifest } from '../regularizers/manifest.js';
import { listRegularizers } from '../regularizers/registry.js';

/** A strength of a run as it is shown. */
export interface NamedStrength {
  readonly name: string;
  readonly strength: number;
  /** In the terms of the spec: `0.1`, `patience 10`. */
  readonly text: string;
}

/** What acted in a run; empty for a manifest that is none of Ballast, and for a run that a client logged without one. */
export function strengthsIn(manifest: Partial<Manifest> | null): NamedStrength[] {
  const { regularizers = [] } = manifest ?? {};
  const known = listRegularizers();
  const names = entryNames(regularizers);
  return regularizers.map(({ type, strength }, i) => {
    const inverse = known.find((regularizer) => regularizer.type === type)?.strength.inverse;
    const text = inverse === undefined ? String(strength) : `${inverse.option} ${inverse.toOption(strength)}`;
    return { name: names[i], strength, text };
  });
}
