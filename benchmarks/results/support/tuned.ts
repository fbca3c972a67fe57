/** Strengths chosen on validation rows under seeds of their own, before anything is reported. */
import { type Arm, type Trial, trainArms } from '../arms.js';

/** Seeds of the search; those that are reported count from 1. */
const SEARCH_SEEDS: readonly number[] = [101, 102];

/** A technique over the settings that are tried. */
export interface Technique {
  readonly name: string;
  readonly tried: readonly Arm[];
}

/** The same entry at several strengths, each an arm `name strength`. */
export function overStrengths(
  name: string,
  strengths: readonly number[],
  regularizers: (strength: number) => Arm['regularizers'],
  spec?: Arm['spec'],
): Technique {
  return {
    name,
    tried: strengths.map((strength) => ({
      name: `${name} ${strength}`,
      regularizers: regularizers(strength),
      ...(spec === undefined ? {} : { spec }),
    })),
  };
}

/** One setting: nothing to choose. */
export function fixed(arm: Arm): Technique {
  return { name: arm.name, tried: [arm] };
}

/**
 * The setting of each technique with the best mean validation score over the search's seeds.
 *
 * @param slack instead the last one tried, from weak to strong, whose score is at most this far below the best
 * @param score of a trial by its validation rows alone; larger is better
 */
export async function chosenArms(
  spec: Readonly<Record<string, unknown>>,
  techniques: readonly Technique[],
  score: (trial: Trial) => number | Promise<number>,
  { slack, ...options }: Omit<Parameters<typeof trainArms>[2], 'seeds' | 'watch'> & { readonly slack?: number },
): Promise<Arm[]> {
  const chosen: Arm[] = [];
  for (const { tried } of techniques) {
    if (tried.length === 1) {
      chosen.push(tried[0]);
      continue;
    }
    const totals = new Map<string, number>();
    for (const trial of await trainArms(spec, tried, { ...options, seeds: SEARCH_SEEDS })) {
      totals.set(trial.arm, (totals.get(trial.arm) ?? 0) + (await score(trial)));
    }
    options.tell?.(JSON.stringify([...totals].map(([arm, sum]) => [arm, sum / SEARCH_SEEDS.length])));
    const mean = ({ name }: Arm): number => totals.get(name)! / SEARCH_SEEDS.length;
    const best = Math.max(...tried.map(mean));
    const good = tried.filter((arm) => mean(arm) >= best - (slack ?? 0));
    chosen.push(slack === undefined ? good[0] : good[good.length - 1]);
  }
  return chosen;
}
