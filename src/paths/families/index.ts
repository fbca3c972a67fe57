import { binomial } from './binomial.js';
import { cox } from './cox.js';
import type { Family, FamilySettings } from './family.js';
import { gaussian } from './gaussian.js';
import { huber } from './huber.js';
import { multiGaussian } from './multi-gaussian.js';
import { multinomial } from './multinomial.js';
import { poisson } from './poisson.js';
import { quantile as quantileOf } from './quantile.js';

/** The loss of that name. */
export function familyOf({ family, delta, quantile, outputs }: FamilySettings): Family {
  switch (family) {
    case 'gaussian':
      return gaussian;
    case 'binomial':
      return binomial;
    case 'multinomial':
      return multinomial(outputs ?? Number.NaN);
    case 'mgaussian':
      return multiGaussian(outputs ?? Number.NaN);
    case 'poisson':
      return poisson;
    case 'cox':
      return cox;
    case 'huber':
      return huber(delta ?? Number.NaN);
    case 'quantile':
      return quantileOf(quantile ?? Number.NaN);
  }
}
