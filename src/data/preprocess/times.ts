import { z } from 'zod';
import { int } from '../../graph/model.js';
import { float32, ONNX_TYPE_NUMBER } from '../../graph/tensor.js';
import { quantilesInPlace } from '../../numeric/select.js';
import { typeError } from '../column-values.js';
import { requireColumn } from '../roles.js';
import type { Table, TimeColumn } from '../table.js';
import {
  type Feature,
  type FeatureBlock,
  type FeatureWriter,
  MISSING_INTEGER,
  type RawInput,
  type Unfit,
} from './feature-block.js';
import type { NodeList } from './node-list.js';

const PARTS = ['season', 'weekday', 'hour'] as const;

/**
 * Instants (UTC, whole milliseconds): a standardised trend, and of season, weekday and time of day those that vary in
 * training. `fill` stands in for missing instants.
 */
export const timeEncodingSchema = z.strictObject({
  column: z.string(),
  input: z.string(),
  fill: z.int(),
  center: z.int(),
  scale: z.number().positive(),
  indicator: z.boolean(),
  parts: z.array(z.enum(PARTS)),
});

type TimeEncoding = z.infer<typeof timeEncodingSchema>;
type Part = (typeof PARTS)[number];

const MINUTE = 60_000;
const DAY = 86_400_000;

/** A table that a part's index looks its features up in; both encodings use the same float32 values. */
interface Lookup {
  readonly names: readonly string[];
  readonly width: number;
  readonly values: Float32Array;
}

const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

/** Two harmonics of a cycle of `length` steps. */
function harmonics(length: number): Lookup {
  const values = new Float32Array(length * 4);
  for (let step = 0; step < length; step++) {
    for (let harmonic = 1; harmonic <= 2; harmonic++) {
      const angle = (2 * Math.PI * harmonic * step) / length;
      values[step * 4 + harmonic * 2 - 2] = Math.sin(angle);
      values[step * 4 + harmonic * 2 - 1] = Math.cos(angle);
    }
  }
  return { names: ['sin', 'cos', 'sin 2', 'cos 2'], width: 4, values };
}

function identity(names: readonly string[]): Lookup {
  const values = new Float32Array(names.length ** 2);
  for (let i = 0; i < names.length; i++) values[i * names.length + i] = 1;
  return { names, width: names.length, values };
}

const LOOKUP: Readonly<Record<Part, Lookup>> = {
  season: harmonics(366),
  weekday: identity(WEEKDAYS),
  hour: harmonics(1440),
};

/**
 * Steps of each cycle, from whole days since 1970-01-01 and milliseconds into the day. The season counts days from
 * 1 March, so that the leap day is the last (days_from_civil of Hinnant, "chrono-compatible low-level date algorithms").
 */
const STEP: Readonly<Record<Part, (day: number, millisecond: number) => number>> = {
  season(day) {
    const dayOfEra = modulo(day + 719_468, 146_097);
    const year = Math.trunc(
      (dayOfEra - Math.trunc(dayOfEra / 1460) + Math.trunc(dayOfEra / 36_524) - Math.trunc(dayOfEra / 146_096)) / 365,
    );
    return dayOfEra - (365 * year + Math.trunc(year / 4) - Math.trunc(year / 100));
  },
  weekday: (day) => modulo(day + 4, 7),
  hour: (_day, millisecond) => Math.trunc(millisecond / MINUTE),
};

/**
 * Fits one column on the training rows: center is the mean instant, scale the standard deviation in milliseconds, fill
 * the median.
 */
export function fitTime(column: TimeColumn, input: string, rows: Uint32Array): TimeEncoding | Unfit {
  const present = Float64Array.from(rows, (row) => Math.round(column.values[row])).filter(
    (value) => !Number.isNaN(value),
  );
  if (present.length === 0) return 'empty';
  const first = present[0];
  const missing = present.length < rows.length;
  const center = Math.round(first + present.reduce((sum, value) => sum + (value - first), 0) / present.length) + 0;
  const scale = Math.fround(Math.sqrt(present.reduce((sum, value) => sum + (value - center) ** 2, 0) / present.length));
  if (scale === 0 && !missing) return 'constant';
  const parts = PARTS.filter((part) => {
    const steps = present.map((value) => stepOf(part, value));
    return steps.some((step) => step !== steps[0]);
  });
  const fill = Math.round(quantilesInPlace(present, [0.5])[0]) + 0;
  return { column: column.name, input, fill, center, scale: scale || 1, indicator: missing, parts };
}

export function timeBlock(encoding: TimeEncoding): FeatureBlock {
  const { column, parts, indicator } = encoding;
  const names = [
    `${column}: trend`,
    ...parts.flatMap((part) => LOOKUP[part].names.map((name) => `${column}: ${part} ${name}`)),
    ...(indicator ? [`${column} is missing`] : []),
  ];
  const features: Feature[] = names.map((name) => ({ name, column }));
  return {
    features,
    writer: (table) => bindTime(encoding, features.length, table),
    nodes: (list) => timeNodes(encoding, list),
  };
}

export function timeInput({ column, input }: TimeEncoding): RawInput {
  return { name: input, column, type: 'int64', shape: [1] };
}

function bindTime(
  { column: name, fill, center, scale, indicator, parts }: TimeEncoding,
  size: number,
  table: Table,
): FeatureWriter {
  const column = requireColumn(table, name, 'the feature column');
  if (column.kind !== 'time') throw typeError(column, 'instants', 'the feature');
  const { values } = column;
  return (rows, from, to, out, width, offset) => {
    for (let i = from, at = offset; i < to; i++, at += width) {
      const raw = Math.round(values[rows[i]]);
      const instant = Number.isNaN(raw) ? fill : raw;
      out[at] = Math.fround(instant - center) / scale;
      let next = at + 1;
      for (const part of parts) {
        const lookup = LOOKUP[part];
        const start = stepOf(part, instant) * lookup.width;
        for (let j = 0; j < lookup.width; j++) out[next++] = lookup.values[start + j];
      }
      if (indicator && Number.isNaN(raw)) out[at + size - 1] = 1;
    }
  };
}

function timeNodes({ input, fill, center, scale, indicator, parts }: TimeEncoding, list: NodeList): string {
  const toFloat = { to: int(ONNX_TYPE_NUMBER.float32) };
  const missing = list.op('Equal', [input, list.integers(MISSING_INTEGER)]);
  const instant = list.op('Where', [missing, list.integers(fill), input]);
  const trend = list.op('Cast', [list.op('Sub', [instant, list.integers(center)])], toFloat);
  const columns = [list.op('Div', [trend, list.floats(scale)])];
  const integer = integerArithmetic(list);
  const millisecond = integer('Mod', instant, DAY);
  const day = integer('Div', list.op('Sub', [instant, millisecond]), DAY);
  for (const part of parts) {
    const { values, width } = LOOKUP[part];
    const table = list.constant(float32([values.length / width, width], values));
    const step = list.op('Squeeze', [stepNodes(part, day, millisecond, list), list.integers([1])]);
    columns.push(list.op('Gather', [table, step]));
  }
  if (indicator) columns.push(list.op('Cast', [missing], toFloat));
  return columns.length === 1 ? columns[0] : list.op('Concat', columns, { axis: int(1) });
}

/** {@link STEP} as nodes. Operands are not negative where Div is used, so that its truncation is a floor. */
function stepNodes(part: Part, day: string, millisecond: string, list: NodeList): string {
  const integer = integerArithmetic(list);
  const minus = (a: string, b: string): string => list.op('Sub', [a, b]);
  const plus = (a: string, b: string): string => list.op('Add', [a, b]);
  switch (part) {
    case 'hour':
      return integer('Div', millisecond, MINUTE);
    case 'weekday':
      return integer('Mod', integer('Add', day, 4), 7);
    case 'season': {
      const dayOfEra = integer('Mod', integer('Add', day, 719_468), 146_097);
      const leapless = minus(
        plus(minus(dayOfEra, integer('Div', dayOfEra, 1460)), integer('Div', dayOfEra, 36_524)),
        integer('Div', dayOfEra, 146_096),
      );
      const year = integer('Div', leapless, 365);
      const before = minus(plus(integer('Mul', year, 365), integer('Div', year, 4)), integer('Div', year, 100));
      return minus(dayOfEra, before);
    }
  }
}

/** ONNX Mod of integers takes the sign of the divisor: what calendars need. */
function integerArithmetic(
  list: NodeList,
): (opType: 'Add' | 'Mul' | 'Div' | 'Mod', value: string, by: number) => string {
  return (opType, value, by) => list.op(opType, [value, list.integers(by)]);
}

function stepOf(part: Part, instant: number): number {
  const millisecond = modulo(instant, DAY);
  return STEP[part]((instant - millisecond) / DAY, millisecond);
}

function modulo(value: number, by: number): number {
  return ((value % by) + by) % by;
}
