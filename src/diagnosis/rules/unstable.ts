import type { Rule } from '../finding.js';
import { short, told } from '../gain.js';

/** Largest spread between seeds, in points of a share or as a part of an error, that is nobody's concern. */
const SPREAD = 0.03;

/** F6 (X2): the same spec under another seed is another model. */
export const unstable: Rule = {
  id: 'F6',
  name: 'instability between seeds',
  explanation: 'What a seed decides is larger than what most regularizers are worth: one run proves nothing here',
  remedy:
    'Judge over several seeds (training.repeats), lower the learning rate, take larger batches, or average weights (ema, swa, ensemble)',
  refutedBy: 'Five seeds that lie closer together',
  judge({ seeds = [], direction, metric, validation, level }) {
    const own = validation.metrics[metric]?.value;
    if (own === undefined) return undefined;
    const allowed =
      direction === 'higher' ? SPREAD : metric === 'logLoss' ? Math.max(SPREAD, SPREAD * own) : SPREAD * own;
    const apart = seeds.filter(
      ({ difference: { value, interval } }) => Math.abs(value) > allowed && (interval[0] > 0 || interval[1] < 0),
    );
    if (apart.length === 0) return undefined;
    const values = [own, ...seeds.map(({ value }) => value)];
    return {
      confidence: level,
      evidence: [
        `${metric} under ${values.length} seeds: ${values.map(short).join(', ')}`,
        ...apart.map(({ seed, difference }) => `seed ${seed} against this run, on the same rows: ${told(difference)}`),
      ],
      patch: [{ op: 'replace', path: '/training/repeats', value: 5 }],
      expected: null,
    };
  },
};
