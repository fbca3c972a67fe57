/** What the store says of how far a project has come. */
export interface Progress {
  readonly trained: number;
  readonly ablations: number;
  readonly seeds: number;
  readonly holdoutReads: number;
}

export interface PlanDay {
  readonly day: number;
  readonly goal: string;
  readonly command: string;
  /** Whether it is done; undefined where the store cannot tell. */
  readonly done: boolean | undefined;
}

/** Seven days from data to a model that one can answer for. */
export function sevenDays({ trained, ablations, seeds, holdoutReads }: Progress): PlanDay[] {
  return [
    {
      day: 1,
      goal: 'Look at the data: leaks, copies, wrong labels; is regularization needed?',
      command: 'ballast data check SPEC && ballast advise DATA --target COLUMN',
      done: undefined,
    },
    {
      day: 2,
      goal: 'Train the baseline and a first penalty side by side',
      command: 'ballast init simple-penalty && ballast train SPEC',
      done: trained > 0,
    },
    {
      day: 3,
      goal: 'Find out what is wrong, and mend that first',
      command: 'ballast diagnose RUN --apply',
      done: undefined,
    },
    { day: 4, goal: 'Keep what is worth its place', command: 'ballast train SPEC --ablate', done: ablations > 0 },
    {
      day: 5,
      goal: 'Make sure that it is not one lucky seed',
      command: 'ballast train SPEC   # training.repeats: 5',
      done: seeds > 1,
    },
    {
      day: 6,
      goal: 'See where it fails: slices, groups, corrupted rows, probabilities',
      command: 'ballast evaluate RUN --data FILE --slices --stress --uncertainty && ballast calibrate RUN',
      done: undefined,
    },
    {
      day: 7,
      goal: 'Read the holdout, once',
      command: 'ballast evaluate RUN --holdout --against BASELINE',
      done: holdoutReads > 0,
    },
  ];
}
