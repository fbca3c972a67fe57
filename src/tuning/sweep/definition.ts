import type { Point } from '../../search/space.js';
import { type ResolvedSpec, resolveSpec } from '../../spec/read.js';
import type { Spec } from '../../spec/schema.js';
import type { Constraint, Objective } from './objectives.js';
import { type SpecSpace, spaceOfSpec } from './space-of-spec.js';

/** What decides a sweep: plain JSON, recorded once, from which any process can go on with it. */
export interface SweepDefinition {
  /** With every default and its `search` section. */
  readonly spec: Spec;
  /** Folder that relative paths of the spec start at. */
  readonly baseDirectory: string;
  /** Of the data at the beginning. */
  readonly dataVersion: string;
  readonly trials: number;
  /** Rows that a trial is trained on. */
  readonly trainRows?: number;
  /** Trials before the sampler's first: what is known already. */
  readonly firstPoints?: readonly Point[];
  readonly objectives: readonly Objective[];
  readonly constraints: readonly Constraint[];
  readonly ballastVersion: string;
  readonly budget?: Budget;
}

/** What a sweep may cost. */
export interface Budget {
  readonly seconds?: number;
  /** Money, in any currency, at a price for an hour of one worker. */
  readonly money?: number;
  readonly pricePerHour?: number;
}

/** A definition with what follows from it. */
export interface OpenSweep extends SpecSpace {
  readonly definition: SweepDefinition;
  readonly resolved: ResolvedSpec;
}

export function openDefinition(definition: SweepDefinition): OpenSweep {
  const resolved = resolveSpec(definition.spec, definition.baseDirectory);
  return { definition, resolved, ...spaceOfSpec(resolved) };
}
