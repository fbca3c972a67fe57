import type { Roles } from '../roles.js';
import type { Split } from '../split.js';
import type { Table } from '../table.js';
import { rowHashes } from '../version.js';
import { checkColumns } from './columns.js';
import { checkEqualRows, joined } from './equal-rows.js';
import { bySeverity, type Finding } from './finding.js';
import { checkLeakage } from './leakage.js';
import { screenPoisoning, type Version } from './poisoning.js';
import { checkShift, compareSamples } from './shift.js';
import { checkTarget } from './target.js';

export interface CheckOptions {
  readonly roles: Roles;
  readonly split: Split;
  readonly task: 'classification' | 'regression';
  /** An earlier, trusted version of the data: rows that are new since then are screened for poisoning. */
  readonly earlier?: Table;
  /** Rows seen in production (no target needed): the holdout's features are compared with theirs. */
  readonly production?: Table;
}

/**
 * Checks data before it is trained on: equal rows across the parts, leaking, constant, empty and id-like features, target
 * and classes, and where they are given, new rows against an earlier version and the holdout against production.
 *
 * Of the holdout only hashes, and for the comparison with production the features, are looked at; never its targets.
 *
 * @returns findings, gravest first; empty where nothing is wrong
 */
export function checkData(table: Table, options: CheckOptions): Finding[] {
  const { roles, split, task, earlier, production } = options;
  const { target } = roles;
  const rows = joined(split.train, split.validation);
  const version = versionOf(table, roles);
  return bySeverity([
    ...checkEqualRows(version.features, version.whole, split),
    ...checkColumns(table, roles, rows),
    ...(target === undefined ? [] : checkTarget(table, target, split, task)),
    ...(target === undefined ? [] : checkLeakage(table, roles, target, rows, task)),
    ...(earlier === undefined ? [] : screenPoisoning(version, versionOf(earlier, roles), { roles, task })),
    ...(production === undefined ? [] : checkShift(compareWithProduction(table, production, options))),
  ]);
}

function compareWithProduction(table: Table, production: Table, { roles, split }: CheckOptions) {
  const all = Uint32Array.from({ length: production.rows }, (_, row) => row);
  return compareSamples(table, split.holdout, production, all, roles.features);
}

function versionOf(table: Table, { features, target }: Roles): Version {
  return {
    table,
    features: rowHashes(table, features),
    whole: rowHashes(table, target === undefined ? features : [...features, target]),
  };
}
