import type { Rule } from '../finding.js';
import { asGain, confidenceThat, isClear, short, told } from '../gain.js';

/** Beyond this a temperature makes all classes alike: the scores are noise. */
const SENSELESS = 50;

/** F4: probabilities that cannot be taken at their word. */
export const miscalibrated: Rule = {
  id: 'F4',
  name: 'miscalibration',
  explanation: 'What the model calls 90 % is not right nine times in ten',
  remedy:
    'ballast calibrate RUN writes a calibrated model; label smoothing or weight decay make the next one less sure of itself',
  refutedBy: 'New labelled rows on which the calibration error is within its limit',
  judge({ validation, temperature, limits, level }) {
    const { ece } = validation.metrics;
    if (ece === undefined || ece.value <= limits.ece) return undefined;
    const gain = temperature && asGain(temperature.logLoss, 'lower');
    const mendable = gain !== undefined && isClear(gain);
    if (ece.interval[0] <= limits.ece && !mendable) return undefined;
    return {
      confidence: Math.max(confidenceThat(ece, limits.ece, level), mendable ? confidenceThat(gain, 0, level) : 0),
      evidence: [
        `expected calibration error ${told(ece)}, beyond ${limits.ece}`,
        ...(mendable && temperature !== undefined
          ? [
              temperature.value > SENSELESS
                ? 'no temperature makes sense of the scores: on these rows they carry hardly any information'
                : `a temperature of ${short(temperature.value)} lowers the log loss by ${told(gain)} on rows it was not fitted on: the model is ${temperature.value > 1 ? 'over' : 'under'}confident`,
            ]
          : []),
      ],
      patch: null,
      expected:
        mendable && temperature !== undefined
          ? { metric: 'logLoss', delta: temperature.logLoss.value, interval: temperature.logLoss.interval }
          : null,
    };
  },
};
