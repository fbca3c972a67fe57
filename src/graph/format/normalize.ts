import type { Model } from '../model.js';
import { removeDeadCode } from './dead-code.js';
import { dropIdentity } from './drop-identity.js';
import { liftConstants } from './lift-constants.js';
import { openScalers } from './scaler.js';
import { resolveShadowing } from './shadowing.js';
import { validate } from './validate.js';
import { removeZipMap } from './zip-map.js';

/** IR version from which initializers need not be inputs as well. */
const FREE_INITIALIZERS = 4;

/**
 * Brings a foreign model into the form that the rest of Ballast works on, without changing what it computes:
 *
 * - parameters that are inputs only because IR versions before 4 ask for it are no inputs any more;
 * - scikit-learn's ZipMap is removed from the outputs, its classes kept ({@link removeZipMap});
 * - its Scaler is Sub and Mul ({@link openScalers});
 * - Constant nodes are initializers ({@link liftConstants});
 * - Identity nodes are gone where their outputs' names allow ({@link dropIdentity});
 * - what no output needs is gone ({@link removeDeadCode}).
 *
 * Names of inputs and outputs stay. Applying it twice gives what applying it once gives.
 *
 * @throws BallastError where the model is not valid ({@link validate})
 */
export function normalize(model: Model): Model {
  validate(model);
  const free = freeInitializers(model);
  const tensors = openScalers(removeZipMap({ ...free, graph: resolveShadowing(free.graph) }));
  return { ...tensors, graph: removeDeadCode(dropIdentity(liftConstants(tensors.graph))) };
}

function freeInitializers(model: Model): Model {
  if (model.irVersion >= FREE_INITIALIZERS) return model;
  const { graph } = model;
  const inputs = graph.inputs.filter((input) => !graph.initializers.has(input.name));
  return { ...model, irVersion: FREE_INITIALIZERS, graph: { ...graph, inputs } };
}
