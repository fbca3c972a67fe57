import { LineCounter, parseAllDocuments, stringify } from 'yaml';
import { z } from 'zod';
import { BallastError } from '../../errors.js';
import { DURATION, milliseconds } from '../../spec/duration-text.js';
import { type Slo, sloOptions } from '../../spec/slo-options.js';
import { eventsQuery } from '../export/promql.js';

/** Keeps what OpenSLO has no words for. */
const ANNOTATION = 'ballast.dev/objective';

const metric = z.looseObject({ metricSource: z.looseObject({ type: z.string().optional() }).optional() });
const indicatorSpec = z.looseObject({
  ratioMetric: z.looseObject({ good: metric.optional(), bad: metric.optional(), total: metric }).optional(),
  thresholdMetric: metric.optional(),
});
const metadata = z.looseObject({
  name: z.string(),
  displayName: z.string().optional(),
  annotations: z.record(z.string(), z.string()).optional(),
});

const v1 = z.looseObject({
  metadata,
  spec: z.looseObject({
    description: z.string().optional(),
    service: z.string(),
    indicatorRef: z.string().optional(),
    indicator: z.looseObject({ spec: indicatorSpec }).optional(),
    timeWindow: z.array(z.looseObject({ duration: z.string(), isRolling: z.boolean().optional() })).min(1),
    budgetingMethod: z.enum(['Occurrences', 'Timeslices', 'RatioTimeslices']),
    objectives: z
      .array(
        z.looseObject({
          displayName: z.string().optional(),
          target: z.number().optional(),
          targetPercent: z.number().optional(),
          timeSliceWindow: z.union([z.string(), z.number()]).optional(),
        }),
      )
      .min(1),
  }),
});

const v1alpha = z.looseObject({
  metadata,
  spec: z.looseObject({
    description: z.string().optional(),
    service: z.string(),
    budgetingMethod: z.enum(['Occurrences', 'Timeslices']),
    objectives: z.array(z.looseObject({ displayName: z.string().optional(), target: z.number() })).min(1),
    timeWindows: z
      .array(z.looseObject({ count: z.int().positive(), unit: z.string(), isRolling: z.boolean().optional() }))
      .min(1),
  }),
});

/** Of calendar windows only the length is kept: budgets here roll. */
const UNITS: Readonly<Record<string, string>> = {
  Second: 's',
  Minute: 'm',
  Hour: 'h',
  Day: 'd',
  Week: 'w',
};
const LONG_UNITS: Readonly<Record<string, number>> = { Month: 30, Quarter: 90, Year: 365, M: 30, Q: 90, Y: 365 };

export interface ImportedSlo {
  /** The service that the objective is of: a model's name. */
  readonly service: string;
  readonly slo: Slo;
  /** What was not taken over as it stands. */
  readonly notes: readonly string[];
}

/** Whether a text is OpenSLO. */
export const isOpenSlo = (text: string): boolean => /^\s*apiVersion:\s*["']?openslo\//m.test(text);

/**
 * Objectives of OpenSLO documents, v1 or v1alpha, SLO kinds; others (SLI, DataSource, AlertPolicy, ...) are passed over and
 * told. What was written by {@link toOpenSlo} comes back as it was. The queries of others are of a system that Ballast does not
 * read: their objectives are kept as `custom`, for which the application reports its counts.
 *
 * @throws BallastError `OPENSLO_INVALID` with place and what is wrong
 */
export function fromOpenSlo(text: string, place: string): { slos: ImportedSlo[]; passedOver: string[] } {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, logLevel: 'error' });
  const slos: ImportedSlo[] = [];
  const passedOver: string[] = [];
  for (const document of 'empty' in documents ? [] : documents) {
    const { line } = lines.linePos(document.contents?.range?.[0] ?? 0);
    const at = `${place}:${line}`;
    const [fault] = document.errors;
    if (fault !== undefined) throw invalid(`this is not YAML: ${fault.message.split('\n')[0]}`, at);
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    if (value === null) continue;
    const { apiVersion, kind } = value as { apiVersion?: unknown; kind?: unknown };
    if (apiVersion !== 'openslo/v1' && apiVersion !== 'openslo/v1alpha') {
      throw invalid(`apiVersion is openslo/v1 or openslo/v1alpha, not ${JSON.stringify(apiVersion)}`, at);
    }
    if (kind !== 'SLO') {
      passedOver.push(`${String(kind)} at ${at}`);
      continue;
    }
    slos.push(...(apiVersion === 'openslo/v1' ? ofV1(value, at) : ofV1Alpha(value, at)));
  }
  return { slos, passedOver };
}

function ofV1(value: unknown, at: string): ImportedSlo[] {
  const document = read(v1, value, at);
  const { name, annotations } = document.metadata;
  const { service, description, timeWindow, objectives, budgetingMethod } = document.spec;
  const kept = annotations?.[ANNOTATION];
  if (kept !== undefined) return [{ service, slo: ownSlo(kept, at), notes: [] }];
  const window = windowText(timeWindow[0].duration, at);
  return objectives.map((objective, i) => {
    const target = objective.target ?? (objective.targetPercent ?? Number.NaN) / 100;
    const notes =
      budgetingMethod === 'Occurrences' ? [] : [`${budgetingMethod}: the counts are to be of slices of time`];
    if (timeWindow[0].isRolling === false) notes.push('the window rolls; calendar windows are not kept');
    return foreign({ name, at, i, of: objectives.length, service, description, target, window, notes });
  });
}

function ofV1Alpha(value: unknown, at: string): ImportedSlo[] {
  const { metadata: about, spec } = read(v1alpha, value, at);
  const { service, description, objectives, timeWindows } = spec;
  const kept = about.annotations?.[ANNOTATION];
  if (kept !== undefined) return [{ service, slo: ownSlo(kept, at), notes: [] }];
  const [{ count, unit }] = timeWindows;
  const window = windowOf(count, unit, at);
  return objectives.map(({ target }, i) =>
    foreign({ name: about.name, at, i, of: objectives.length, service, description, target, window, notes: [] }),
  );
}

interface Foreign {
  readonly name: string;
  readonly at: string;
  readonly i: number;
  readonly of: number;
  readonly service: string;
  readonly description: string | undefined;
  readonly target: number;
  readonly window: string;
  readonly notes: readonly string[];
}

function foreign({ name, at, i, of, service, description, target, window, notes }: Foreign): ImportedSlo {
  const own = of === 1 ? name : `${name}-${i + 1}`;
  const sli =
    own
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '_')
      .replace(/^[^a-z]+/, '')
      .slice(0, 63) || 'sli';
  const slo = read(
    sloOptions,
    {
      name: own,
      sli: { type: 'custom', name: sli },
      objective: target,
      window,
      ...(description === undefined ? {} : { description }),
    },
    at,
  );
  const how = `its query is of another system: report counts with ballast slo count ${service} ${sli} --good N --total N`;
  return { service, slo, notes: [...notes, how] };
}

function ownSlo(text: string, at: string): Slo {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw invalid(`the annotation ${ANNOTATION} is not JSON`, at, cause);
  }
  return read(sloOptions, value, at);
}

function windowText(text: string, at: string): string {
  const match = /^(\d+)([smhdwMQY])$/.exec(text);
  if (match === null) throw invalid(`${JSON.stringify(text)} is no duration of OpenSLO`, at);
  const days = LONG_UNITS[match[2]];
  return days === undefined ? text : `${Number(match[1]) * days}d`;
}

function windowOf(count: number, unit: string, at: string): string {
  const days = LONG_UNITS[unit];
  const text = days === undefined ? `${count}${UNITS[unit] ?? '?'}` : `${count * days}d`;
  if (!DURATION.test(text)) throw invalid(`${count} ${unit} is no time window`, at);
  return text;
}

function read<T>(schema: z.ZodType<T>, value: unknown, at: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw invalid(`${issue.path.join('.')}: ${issue.message}`, at);
}

function invalid(message: string, place: string, cause?: unknown): BallastError {
  return new BallastError(message, {
    code: 'OPENSLO_INVALID',
    place,
    remedy: 'See https://github.com/OpenSLO/OpenSLO for what may stand there.',
    ...(cause === undefined ? {} : { cause }),
  });
}

/** OpenSLO v1 of a model's objectives: a service, and an SLO with an inline indicator for each; queries are PromQL over /metrics. */
export function toOpenSlo(model: string, slos: readonly Slo[], description = ''): string {
  const service = {
    apiVersion: 'openslo/v1',
    kind: 'Service',
    metadata: { name: openSloName(model), ...(openSloName(model) === model ? {} : { displayName: model }) },
    spec: { description: description || `The model ${model}` },
  };
  const documents = slos.map((slo) => {
    const sliced = 'every' in slo.sli ? slo.sli.every : undefined;
    return {
      apiVersion: 'openslo/v1',
      kind: 'SLO',
      metadata: {
        name: openSloName(`${model}-${slo.name}`),
        displayName: slo.name,
        annotations: { [ANNOTATION]: JSON.stringify(slo) },
      },
      spec: {
        description: slo.description ?? `${slo.name} of ${model}`,
        service: model,
        indicator: {
          metadata: { name: openSloName(`${model}-${slo.name}-sli`) },
          spec: {
            ratioMetric: {
              counter: true,
              good: query(eventsQuery(model, slo.name, 'good')),
              total: query(eventsQuery(model, slo.name)),
            },
          },
        },
        timeWindow: [{ duration: slo.window, isRolling: true }],
        budgetingMethod: sliced === undefined ? 'Occurrences' : 'Timeslices',
        objectives: [
          {
            displayName: slo.name,
            target: slo.objective,
            ...(sliced === undefined
              ? {}
              : { timeSliceTarget: 1, timeSliceWindow: `${milliseconds(sliced) / 60_000}m` }),
          },
        ],
      },
    };
  });
  return [service, ...documents].map((each) => stringify(each, { lineWidth: 0 })).join('---\n');
}

const query = (text: string) => ({ metricSource: { type: 'Prometheus', spec: { query: text } } });

/** A name as OpenSLO wants it: RFC 1123, at most 63 characters. */
const openSloName = (name: string): string =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .slice(0, 63)
    .replace(/^-+|-+$/g, '');
