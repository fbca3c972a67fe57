import type { ColumnSketch as StoredSketch } from '../../store/index.js';
import { ColumnSketch } from '../sketch/column-sketch.js';

/** The sketches of a span of time, by the name of the column. */
export interface SpanOfColumns {
  readonly start: number;
  readonly ms: number;
  readonly columns: ReadonlyMap<string, ColumnSketch>;
}

/** Stored sketches put together in spans of `ms` that end at `to`, the oldest first; spans without any are left out. */
export function spansOf(sketches: readonly StoredSketch[], ms: number, to: number): SpanOfColumns[] {
  const spans = new Map<number, Map<string, ColumnSketch>>();
  for (const { start, column, content } of sketches) {
    if (start >= to) continue;
    const span = to - ms * Math.ceil((to - start) / ms);
    const columns = spans.get(span) ?? new Map<string, ColumnSketch>();
    spans.set(span, columns);
    const sketch = ColumnSketch.decode(content, start);
    const present = columns.get(column);
    if (present === undefined) columns.set(column, sketch);
    else present.merge(sketch);
  }
  return [...spans].sort(([a], [b]) => a - b).map(([start, columns]) => ({ start, ms, columns }));
}
