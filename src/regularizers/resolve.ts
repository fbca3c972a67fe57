import { z } from 'zod';
import { BallastError } from '../errors.js';
import { canonicalJson } from './canonical-json.js';
import { fineTuningConflicts } from './fine-tuning.js';
import { pairConflicts } from './interactions.js';
import { unmetNeeds } from './needs.js';
import { orderOf, regularizerOf } from './registry.js';
import type { Active, Conflict, Regularizer, Setting } from './regularizer.js';
import { taskConflicts } from './tasks.js';

const schedule = z
  .strictObject({
    type: z.enum(['linear', 'cosine']).default('linear'),
    from: z.number().min(0).default(0).describe('Multiplier of the strength at the first step'),
    to: z.number().min(0).default(1).describe('Multiplier of the strength from epoch `over` on'),
    over: z.number().positive().describe('Epochs from the first multiplier to the last'),
  })
  .describe('Strength over the course of training');

/** The schema of one entry of the spec's `regularizers` list, options and all. */
export function entrySchema(regularizer: Regularizer): z.ZodObject {
  const { strength } = regularizer;
  const options = regularizer.options as unknown as z.ZodObject;
  const limits = z.number().min(strength.limits[0]);
  const bounded =
    strength.switch === true
      ? z.union([z.literal(0), z.literal(1)])
      : strength.open === true
        ? limits.lt(strength.limits[1])
        : limits.max(strength.limits[1]);
  return z.strictObject({
    type: z.literal(regularizer.type).describe(regularizer.summary),
    ...(strength.inverse === undefined
      ? {
          strength: (bounded as z.ZodType<number>)
            .default(strength.default)
            .describe(`${strength.unit}; more is stronger`),
          ...(strength.switch === true || strength.fixed === true ? {} : { schedule: schedule.optional() }),
        }
      : {}),
    ...options.shape,
  });
}

/**
 * Checks one entry of the spec and fills in every default.
 *
 * @param place where the entry stands, for messages
 */
export function resolveEntry(entry: Readonly<Record<string, unknown>>, place: string): Active {
  if (typeof entry.type !== 'string') {
    throw new BallastError('a regularizer needs a type', { code: 'REGULARIZER_UNKNOWN', place, value: entry.type });
  }
  const regularizer = regularizerOf(entry.type, place);
  const parsed = entrySchema(regularizer).safeParse(entry);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new BallastError(`${regularizer.type}: ${issue.message}`, {
      code: 'REGULARIZER_OPTION',
      place: [place, ...issue.path].join('.'),
      remedy: `See ballast regularizers ${regularizer.type}`,
    });
  }
  const { type: _type, strength, schedule: over, ...options } = parsed.data as Record<string, unknown>;
  const { inverse } = regularizer.strength;
  const active: Active = {
    regularizer,
    strength: inverse === undefined ? (strength as number) : inverse.toStrength(options[inverse.option] as number),
    schedule: over as Active['schedule'],
    options,
  };
  refuseExcess(active, place);
  return active;
}

/** A schedule must not drive the strength beyond its limits: a dropout of 0.6 doubled would keep -20 %. */
function refuseExcess({ regularizer, strength, schedule }: Active, place: string): void {
  if (schedule === undefined) return;
  const { limits, open } = regularizer.strength;
  const peak = strength * Math.max(schedule.from, schedule.to);
  if (peak < limits[1] || (peak === limits[1] && open !== true)) return;
  throw new BallastError(`${regularizer.type}: the schedule takes the strength to ${peak}, beyond ${limits[1]}`, {
    code: 'REGULARIZER_OPTION',
    place: `${place}.schedule`,
    remedy: 'Lower the strength, or the multipliers from and to',
  });
}

/**
 * Puts regularizers into their order of application, which is not that of the spec: by the registry, and two of one type
 * (dropout of elements and of channels) by their options. Two specs that differ in the order of their entries thus train
 * to the same bytes under the same id.
 */
export function inOrder(active: readonly Active[]): Active[] {
  const key = ({ regularizer: { type }, ...rest }: Active): string => canonicalJson([type, { ...rest }]);
  return [...active].sort((a, b) => {
    const order = orderOf(a.regularizer.type) - orderOf(b.regularizer.type);
    if (order !== 0) return order;
    const [first, second] = [key(a), key(b)];
    return first < second ? -1 : first > second ? 1 : 0;
  });
}

/** What this setting lacks or mixes badly: unmet needs, what each regularizer says of it, and the table of pairs. */
export function findConflicts(setting: Setting): Conflict[] {
  const acting = setting.active.filter(({ strength }) => strength !== 0);
  return [
    ...acting.flatMap((active) =>
      [...unmetNeeds(active, setting), ...(active.regularizer.conflicts?.(active, setting) ?? [])].map((conflict) => ({
        place: `regularizers[${setting.active.indexOf(active)}]`,
        ...conflict,
      })),
    ),
    ...pairConflicts(acting),
    ...fineTuningConflicts(setting),
    ...taskConflicts(setting),
  ];
}
