import { BallastError } from '../errors.js';
import type { Runtime } from '../graph/runtime/runtime.js';

/**
 * The execution provider of a run: the one asked for, or for `auto` the first that the runtime offers here (a GPU
 * provider comes before the processor). Results on a GPU agree with the processor's to about 1e-3 relative, not bit for
 * bit; the provider is part of what `runs reproduce` compares.
 *
 * @throws BallastError DEVICE_ABSENT
 */
export function chooseProvider(runtime: Runtime, device: string): string {
  if (device === 'auto') return runtime.providers[0] ?? 'cpu';
  if (runtime.providers.includes(device)) return device;
  throw new BallastError(`the runtime offers no provider "${device}" on this machine`, {
    code: 'DEVICE_ABSENT',
    kind: 'environment',
    place: 'training.device',
    remedy: `It offers ${runtime.providers.join(', ')}; ballast doctor shows why`,
  });
}
