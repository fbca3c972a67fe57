import type { ChosenFrom } from '../tuning/sweep/chosen-from.js';
import { metricText } from './metric-display.js';

/** Among how many a run was chosen, and what its figure is worth on other rows; no line where it was not. */
export function chosenLines(chosen: ChosenFrom | undefined): string[] {
  if (chosen === undefined) return [];
  const { sweep, from, best, objective = '', apparent, corrected } = chosen;
  const short = sweep.slice(0, 8);
  if (!best || apparent === undefined)
    return ['', `One of the ${from} trials of sweep ${short}: their validation rows chose among them.`];
  const text = (value: number): string => metricText(objective, value);
  const worth =
    corrected === undefined
      ? 'freed of that luck it could not be'
      : `on other rows ${text(corrected.value)} (${corrected.interval.map(text).join(' to ')})`;
  return [
    '',
    `Chosen as the best of ${from} trials of sweep ${short}: ${objective} ${text(apparent)} on the validation rows that it was chosen on, ${worth}.`,
  ];
}
