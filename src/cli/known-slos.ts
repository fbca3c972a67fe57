import { BallastError } from '../errors.js';
import type { ModelSlo } from '../monitoring/slo/model-slos.js';

/** The objectives of a model that was asked for by name. @throws BallastError `MODEL_NOT_FOUND` where there are none */
export function requireSlos(model: string, slos: ModelSlo[]): ModelSlo[] {
  if (slos.length > 0) return slos;
  throw new BallastError('nothing is known of this model, and no objectives', {
    code: 'MODEL_NOT_FOUND',
    kind: 'not-found',
    value: model,
    remedy: 'Register it (ballast models register), or import objectives: ballast slo import FILE --model NAME',
  });
}
