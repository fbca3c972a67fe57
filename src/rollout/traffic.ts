import { BallastError } from '../errors.js';
import type { Store, TrafficShare } from '../store/index.js';
import type { Rollout } from './controller.js';
import { weightsOf } from './steps.js';

/**
 * Makes a model's traffic what its rollout asks for; nothing where it is so already. It may be repeated at any time: a controller that
 * was killed between a decision and this does it when it comes back.
 */
export async function applyWeights(store: Store, rollout: Rollout): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    const wanted = sharesOf(rollout);
    const present = await store.getTraffic(rollout.model);
    if (present !== undefined && isSame(present.shares, wanted)) return;
    try {
      await store.setTraffic(rollout.model, {
        shares: wanted,
        reason: `rollout ${rollout.id}: ${rollout.state.phase}, step ${rollout.state.step + 1}`,
        replaces: present?.revision ?? 0,
        ...(rollout.config.sticky === undefined ? {} : { stickyKey: rollout.config.sticky }),
      });
      return;
    } catch (error) {
      const other = error instanceof BallastError && error.code === 'TRAFFIC_CHANGED';
      if (!other || attempt === MOST_ATTEMPTS) throw error;
    }
  }
}

const MOST_ATTEMPTS = 5;

function sharesOf({ config, state }: Rollout): TrafficShare[] {
  const { live, shadow } = weightsOf(config, state);
  const [most] = Object.entries(live).reduce((a, b) => (b[1] > a[1] ? b : a));
  return [
    ...Object.entries(live).map(([version, weight]): TrafficShare => {
      return { version: Number(version), role: version === most ? 'live' : 'candidate', weight };
    }),
    ...shadow.map((version): TrafficShare => ({ version: Number(version), role: 'shadow', weight: 1 })),
  ];
}

function isSame(a: readonly TrafficShare[], b: readonly TrafficShare[]): boolean {
  const key = ({ version, role, weight }: TrafficShare): string => `${version} ${role} ${weight.toFixed(9)}`;
  const [left, right] = [a.map(key).sort(), b.map(key).sort()];
  return left.length === right.length && left.every((each, i) => each === right[i]);
}
