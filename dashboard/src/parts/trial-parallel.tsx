import type { ReactNode } from 'react';
import { shortName, specValue } from '../format.js';
import type { Sweep } from '../pages/sweep.js';
import { Parallel, type ParallelAxis } from './parallel.js';

/** Lines that are drawn: the best ones. */
const MOST_LINES = 300;
/** Of the complete trials, the share that is drawn above the others; as in the importance of parameters. */
const BEST = 0.2;

/** Complete trials over their parameters and objectives, the best fifth above the others. */
export function TrialParallel({
  sweep: { list, parameters, objectives },
}: {
  sweep: Pick<Sweep, 'list' | 'parameters' | 'objectives'>;
}): ReactNode {
  const [{ name: first, direction }] = objectives;
  const sign = direction === 'higher' ? -1 : 1;
  const ranked = list
    .filter(({ state, figures }) => state === 'complete' && Number.isFinite(figures[first]))
    .sort((a, b) => sign * (a.figures[first] - b.figures[first]))
    .slice(0, MOST_LINES);
  if (ranked.length < 2) return null;
  const axes = [
    ...parameters.map(({ name, log }): ParallelAxis => {
      const label = shortName(name);
      const own = ranked.flatMap(({ values }) => (name in values ? [values[name]] : []));
      if (own.every((value) => typeof value === 'number')) return { key: name, label, log };
      return { key: name, label, names: [...new Set(own.map(specValue))].sort() };
    }),
    ...objectives.map(({ name }): ParallelAxis => ({ key: name, label: name })),
  ];
  const strong = Math.max(1, Math.round(BEST * ranked.length));
  const lines = ranked.map(({ number, values, figures }, place) => ({
    name: `trial ${number}`,
    strong: place < strong,
    values: Object.fromEntries(
      axes.flatMap(({ key, names }) => {
        const value = key in values ? values[key] : figures[key];
        const shown = names === undefined ? value : names.indexOf(specValue(value));
        return typeof shown === 'number' && shown >= 0 ? [[key, shown] as const] : [];
      }),
    ),
  }));
  return (
    <>
      <h2>Which values go together</h2>
      <p className="quiet">The best fifth by {first} in front of the others.</p>
      <Parallel runs={lines} axes={axes} />
    </>
  );
}
