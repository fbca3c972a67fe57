import { type CalibrationMap, type ClassMap, logit, softmaxRows, TINY } from './calibrator.js';
import { stepOf } from './class-maps.js';

/**
 * Calibrated probabilities [rows, classes] of scores [rows, classes]: for use in an application, without a server. Rows
 * sum to 1. Where every class of a row is mapped to 0, all are alike.
 */
export function applyCalibration(map: CalibrationMap, scores: ArrayLike<number>, classes: number): Float64Array {
  switch (map.kind) {
    case 'temperature':
      return softmaxRows(
        Float64Array.from(scores, (z) => z / map.temperature),
        classes,
      );
    case 'vector':
      return softmaxRows(
        Float64Array.from(scores, (z, i) => map.scale[i % classes] * z + map.shift[i % classes]),
        classes,
      );
    case 'classes': {
      const probabilities = softmaxRows(scores, classes);
      if (map.maps.length === 1) {
        for (let from = 0; from < probabilities.length; from += 2) {
          const p = mapped(map.maps[0], probabilities[from + 1]);
          probabilities[from] = 1 - p;
          probabilities[from + 1] = p;
        }
        return probabilities;
      }
      for (let from = 0; from < probabilities.length; from += classes) {
        let total = 0;
        for (let k = 0; k < classes; k++) {
          total += probabilities[from + k] = mapped(map.maps[k], probabilities[from + k]);
        }
        for (let k = 0; k < classes; k++) {
          probabilities[from + k] = total > TINY ? probabilities[from + k] / total : 1 / classes;
        }
      }
      return probabilities;
    }
  }
}

function mapped(map: ClassMap, p: number): number {
  switch (map.kind) {
    case 'sigmoid':
      return 1 / (1 + Math.exp(-(map.slope * logit(p) + map.intercept)));
    case 'beta': {
      const clipped = Math.min(1 - TINY, Math.max(TINY, p));
      return 1 / (1 + Math.exp(-(map.a * Math.log(clipped) - map.b * Math.log1p(-clipped) + map.c)));
    }
    case 'linear': {
      const { x, y } = map;
      const above = stepOf(x, p);
      if (above === 0) return y[0];
      if (above === x.length) return y[x.length - 1];
      const share = (p - x[above - 1]) / (x[above] - x[above - 1]);
      return y[above - 1] + share * (y[above] - y[above - 1]);
    }
    case 'step':
      return map.y[stepOf(map.edges, p)];
  }
}
