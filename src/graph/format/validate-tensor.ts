import { ARRAY_OF, sizeOf, type Tensor } from '../tensor.js';
import { modelFault, type Place } from './fault.js';

/**
 * Checks that a tensor's extents are whole and not negative, that it holds as many elements as they say, and that the
 * array is of the class that its element type is held in.
 *
 * @throws BallastError MODEL_TENSOR
 */
export function checkTensor({ type, shape, data }: Tensor, place: Place): void {
  if (!shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0)) {
    throw modelFault('MODEL_TENSOR', place, `[${shape}] is no shape of a tensor`);
  }
  if (data.length !== sizeOf(shape)) {
    throw modelFault('MODEL_TENSOR', place, `a tensor of shape [${shape}] holds ${data.length} elements`);
  }
  if (type === 'string' ? !Array.isArray(data) : !(data instanceof ARRAY_OF[type])) {
    throw modelFault('MODEL_TENSOR', place, `${type} elements are held in a ${data.constructor.name}`);
  }
}
