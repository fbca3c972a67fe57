import type { Probe } from '../evidence.js';
import type { Rule } from '../finding.js';
import { asGain, confidenceThat, told } from '../gain.js';

/** Least fall of a false-positive rate that is worth a change: half a point, and a fifth of it. */
const MATERIAL = { points: 0.005, share: 0.2 } as const;

/** The fall that is clear and worth it: of the class where it is largest. */
export function fewerFalsePositives({ falsePositives = [] }: Pick<Probe, 'falsePositives'>) {
  return falsePositives
    .filter(({ before, lost }) => {
      return lost.interval[0] > 0 && lost.value >= Math.max(MATERIAL.points, MATERIAL.share * before);
    })
    .toSorted((a, b) => b.lost.value - a.lost.value)[0];
}

/** X8: samples that augmentation makes are so unlike real ones that rows of other classes are taken for them. */
export const unrealisticAugmentation: Rule = {
  id: 'X8',
  name: 'false positives from augmentation',
  explanation:
    'Augmentation makes samples that are like nothing real of their class, and rows of other classes like them',
  remedy:
    'Lower its strength or leave out the operations that change what a sample is (ops, columns), and look at what it makes',
  refutedBy: 'The same spec with milder augmentation whose false-positive rate is no lower',
  judge({ probes, direction, level }) {
    const found = probes
      .filter(({ kind }) => kind === 'less augmentation')
      .flatMap((probe) => {
        const fall = fewerFalsePositives(probe);
        const again = probe.again?.falsePositives?.find(({ class: name }) => name === fall?.class);
        // Fewer false positives that are paid for by more misses are another threshold, not a better model.
        const paid = asGain(probe.change, direction).interval[1] < 0;
        return fall === undefined || paid || again === undefined || again.lost.value <= 0 ? [] : [{ probe, fall }];
      })
      .toSorted((a, b) => b.fall.lost.value - a.fall.lost.value)[0];
    if (found === undefined) return undefined;
    const { probe, fall } = found;
    const { value, interval } = fall.lost;
    return {
      confidence: confidenceThat(fall.lost, 0, level),
      evidence: [
        `${probe.label}: of ${fall.rows} rows that are not "${fall.class}" ${(100 * fall.before).toFixed(1)} % were taken for it, and now fewer by ${told(fall.lost)}`,
      ],
      patch: probe.patch,
      expected: { metric: `fpr of ${fall.class}`, delta: -value, interval: [-interval[1], -interval[0]] },
    };
  },
};
