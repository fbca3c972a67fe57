/** What every part of the page does: choose by a few labelled rows of the target, report other rows of it. */
import { sampleValues } from '../../../src/evaluation/cheap.js';
import { type Arm, show, summary, type Trial, trainArms } from '../arms.js';
import type { ResultsSetting } from '../page.js';
import { outside } from '../support/outside.js';
import { chosenArms, type Technique } from '../support/tuned.js';

/** A source with labels and a target without. */
export interface Shift {
  readonly spec: Readonly<Record<string, unknown>> & { readonly data: object };
  readonly techniques: readonly Technique[];
  /** Trained for comparison, with nothing chosen. The first technique is what gains are over. */
  readonly references?: readonly Arm[];
  /** Files of labelled target rows: those that strengths are chosen on, and those that are reported. */
  readonly validation: string;
  readonly test: string;
  readonly metric: 'accuracy' | 'logLoss';
}

/** Rows of a table: technique and strength, metric on the target, gain, and the same metric on the source's holdout. */
export async function shiftLines(
  label: string,
  { spec, techniques, references = [], validation, test, metric }: Shift,
  { tell }: Pick<ResultsSetting, 'tell'>,
  seeds: number,
): Promise<string[]> {
  const sign = metric === 'accuracy' ? 1 : -1;
  const onValidation = await outside(spec, validation);
  const onTest = await outside(spec, test);
  const score = async (trial: Trial): Promise<number> => sign * sampleValues(await onValidation.predict(trial))[metric];
  const arms = [...(await chosenArms(spec, techniques, score, { tell })), ...references];
  const trials = await trainArms(spec, arms, { seeds, tell });
  const target = new Map<string, number[]>();
  for (const trial of trials) {
    target.set(trial.arm, [...(target.get(trial.arm) ?? []), sampleValues(await onTest.predict(trial))[metric]]);
  }
  const base = target.get(arms[0].name)!;
  return arms.map(({ name }, place) => {
    const values = target.get(name)!;
    const signed = (list: readonly number[]): number[] => list.map((value) => sign * value);
    const gain = place === 0 ? undefined : summary(signed(values), signed(base)).gain;
    const source = trials.filter(({ arm }) => arm === name).map(({ holdout }) => holdout[metric]);
    const cells = [
      label,
      name,
      show(summary(values).mean, 3),
      gain === undefined ? '' : show(gain, 3),
      summary(source).mean.value.toFixed(3),
    ];
    return `| ${cells.join(' | ')} |`;
  });
}
