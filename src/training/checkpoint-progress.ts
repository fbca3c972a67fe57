import { z } from 'zod';
import type { EpochRecord } from './events.js';
import type { LearnedState } from './learned-strengths.js';
import type { PlateauState } from './schedules.js';

/** Where a run stands, beside its arrays. */
export interface CheckpointProgress {
  readonly seed: number;
  /** Epochs completed. */
  readonly epoch: number;
  /** Batches of the next epoch already done. */
  readonly batch: number;
  /** Steps done in all. */
  readonly step: number;
  /** Sum of the losses of those batches, and seconds they took. */
  readonly lossSum: number;
  readonly seconds: number;
  readonly history: readonly EpochRecord[];
  readonly monitors: readonly Readonly<Record<string, number>>[];
  readonly plateau: PlateauState;
  readonly bestEpoch: number;
  /** Strengths under learning. */
  readonly learned?: LearnedState;
}

/**
 * Weights a run returns to: of the best epoch where something monitors and restores, else of the last epoch that ended
 * with finite outputs (wanted if the run diverges).
 */
export interface Kept {
  /** Epochs done by then; 0 = the initial weights. */
  readonly epoch: number;
  readonly monitored: boolean;
  /** Weights and running statistics by their names in the step graph. */
  readonly weights: ReadonlyMap<string, Float32Array>;
}

type Written = CheckpointProgress & { readonly kept: Omit<Kept, 'weights'> };

const number = z.custom<number>((value) => typeof value === 'number');
const count = z.int().min(0);
const values = z.record(z.string(), number);

const schema = z.strictObject({
  seed: z.int(),
  epoch: count,
  batch: count,
  step: count,
  lossSum: number,
  seconds: number,
  history: z.array(
    z.strictObject({
      epoch: count,
      trainLoss: number,
      learningRate: number,
      train: values,
      validation: values,
      gap: number,
      seconds: number,
      strengths: values.optional(),
    }),
  ),
  monitors: z.array(values),
  plateau: z.strictObject({ best: number, waiting: count, drops: count }),
  bestEpoch: count,
  learned: z
    .strictObject({ updates: count, logs: z.array(number), first: z.array(number), second: z.array(number) })
    .optional(),
  kept: z.strictObject({ epoch: count, monitored: z.boolean() }),
});

/** JSON that keeps NaN and infinities: undefined metrics, the plateau's first best. */
export function encodeProgress(progress: Written): string {
  return JSON.stringify(progress, (_key, value) =>
    typeof value === 'number' && !Number.isFinite(value) ? { $number: String(value) } : value,
  );
}

/** Reads what {@link encodeProgress} wrote; undefined where it is something else. */
export function decodeProgress(text: string): Written | undefined {
  try {
    const value: unknown = JSON.parse(text, (_key, member) =>
      member !== null && typeof member === 'object' && '$number' in member ? Number(member.$number) : member,
    );
    const parsed = schema.safeParse(value);
    return parsed.success ? parsed.data : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
