import { missingOf, textOf } from '../column-values.js';
import { requireColumn } from '../roles.js';
import type { Split } from '../split.js';
import type { Column, Table } from '../table.js';
import { joined } from './equal-rows.js';
import { type Finding, rowsOf, shownRows } from './finding.js';

/** Training rows below which a class is hardly learned, and its figures on other parts say little. */
const FEW = 10;

/**
 * The target on training and validation rows: TARGET_MISSING, CONSTANT_TARGET, TINY_CLASS (fewer than 10 training rows)
 * and CLASS_ABSENT (a class of one part that the other lacks). The holdout is not looked at.
 */
export function checkTarget(
  table: Table,
  target: string,
  split: Split,
  task: 'classification' | 'regression',
): Finding[] {
  const column = requireColumn(table, target, 'the target column', 'data.target');
  const columns = [target];
  const missing = missingOf(column);
  const seen = joined(split.train, split.validation);
  const without = seen.filter(missing);
  const findings: Finding[] = [];
  if (without.length > 0) {
    findings.push({
      code: 'TARGET_MISSING',
      severity: 'error',
      message: `the target "${target}" is missing in ${rowsOf(without.length)}`,
      remedy: 'Remove those rows: training refuses them.',
      columns,
      rows: shownRows(without),
      count: without.length,
    });
  }
  const counts = countsByPart(column, split, missing);
  if (counts.size < 2) {
    findings.push({
      code: 'CONSTANT_TARGET',
      severity: 'error',
      message: `the target "${target}" has ${counts.size === 0 ? 'no value' : `one value, ${[...counts.keys()][0]}`}`,
      remedy: 'Name another target, or a source with varying rows.',
      columns,
    });
    return findings;
  }
  return task === 'regression' ? findings : [...findings, ...checkClasses(counts, split, columns)];
}

interface PartCounts {
  train: number;
  validation: number;
}

function checkClasses(counts: ReadonlyMap<string, PartCounts>, split: Split, columns: readonly string[]): Finding[] {
  return [...counts].flatMap(([label, { train, validation }]): Finding[] => {
    const findings: Finding[] = [];
    if (train > 0 && train < FEW) {
      findings.push({
        code: 'TINY_CLASS',
        severity: 'warning',
        message: `class "${label}" has ${rowsOf(train)} to train on`,
        remedy: 'Collect more rows of it, or join it with another class.',
        columns,
        count: train,
      });
    }
    const absent = train === 0 ? 'train' : validation === 0 && split.validation.length > 0 ? 'validation' : undefined;
    if (absent !== undefined) {
      findings.push({
        code: 'CLASS_ABSENT',
        severity: absent === 'train' ? 'error' : 'warning',
        message: `class "${label}" is absent from ${absent}`,
        remedy:
          absent === 'train'
            ? 'Use the stratified split, or list all classes in data.classes.'
            : 'Use the stratified split, a larger validation part, or cross-validation.',
        columns,
      });
    }
    return findings;
  });
}

function countsByPart(column: Column, split: Split, missing: (row: number) => boolean): Map<string, PartCounts> {
  const text = textOf(column);
  const counts = new Map<string, PartCounts>();
  for (const part of ['train', 'validation'] as const) {
    for (const row of split[part]) {
      if (missing(row)) continue;
      const label = text(row);
      const known = counts.get(label) ?? { train: 0, validation: 0 };
      known[part]++;
      counts.set(label, known);
    }
  }
  return counts;
}
