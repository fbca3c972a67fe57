/**
 * Learning-rate schedules as pure functions of the step. Formulas are those of PyTorch's torch.optim.lr_scheduler,
 * stepped once a step (cosine, one-cycle, warm-up) or once an epoch (step, plateau).
 */
export interface ScheduleOptions {
  type: 'constant' | 'step' | 'cosine' | 'one-cycle' | 'plateau';
  /** Epochs over which the rate rises linearly from 0 before the schedule starts. */
  warmUp: number;
  /** step: epochs between drops; plateau: epochs without improvement before a drop. */
  every: number;
  /** step, plateau: factor of each drop. */
  factor: number;
  /** cosine, plateau: the rate does not fall below this share of the initial one. */
  floor: number;
}

export interface ScheduleContext {
  readonly baseRate: number;
  readonly stepsPerEpoch: number;
  readonly epochs: number;
}

/** What the plateau schedule remembers. */
export interface PlateauState {
  best: number;
  waiting: number;
  drops: number;
}

export const initialPlateau = (): PlateauState => ({ best: Number.POSITIVE_INFINITY, waiting: 0, drops: 0 });

/**
 * The learning rate of a step.
 *
 * @param step 0-based count of steps done before
 */
export function learningRateAt(
  options: ScheduleOptions,
  { baseRate, stepsPerEpoch, epochs }: ScheduleContext,
  step: number,
  plateau: PlateauState,
): number {
  // In whole steps: a fraction would let the last one overshoot.
  const warm = Math.round(options.warmUp * stepsPerEpoch);
  if (step < warm) return (baseRate * (step + 1)) / warm;
  const total = Math.max(1, epochs * stepsPerEpoch - warm);
  const done = step - warm;
  const epoch = Math.floor(step / stepsPerEpoch);
  switch (options.type) {
    case 'constant':
      return baseRate;
    case 'step':
      return baseRate * options.factor ** Math.floor(epoch / options.every);
    case 'cosine': {
      const low = baseRate * options.floor;
      return low + ((baseRate - low) * (1 + Math.cos((Math.PI * Math.min(done, total)) / total))) / 2;
    }
    case 'one-cycle':
      return oneCycle(baseRate, Math.min(done, total - 1), total);
    case 'plateau':
      return baseRate * Math.max(options.floor, options.factor ** plateau.drops);
    default:
      return options.type satisfies never;
  }
}

/** Smith's one-cycle policy as in PyTorch's OneCycleLR: 30 % up from rate / 25, cosine down to rate / 250,000. */
function oneCycle(peak: number, step: number, total: number): number {
  const start = peak / 25;
  const end = start / 1e4;
  const cosine = (from: number, to: number, share: number): number =>
    to + ((from - to) / 2) * (1 + Math.cos(Math.PI * share));
  const rise = 0.3 * total - 1;
  return step <= rise ? cosine(start, peak, step / rise) : cosine(peak, end, (step - rise) / (total - 1 - rise));
}

/** One epoch's validation loss (lower is better) for the plateau schedule: relative threshold 1e-4, as PyTorch's. */
export function observePlateau(options: ScheduleOptions, state: PlateauState, loss: number): PlateauState {
  if (loss < state.best * (1 - 1e-4)) return { best: loss, waiting: 0, drops: state.drops };
  const waiting = state.waiting + 1;
  return waiting > options.every
    ? { best: state.best, waiting: 0, drops: state.drops + 1 }
    : { best: state.best, waiting, drops: state.drops };
}
