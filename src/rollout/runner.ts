import type { Store } from '../store/index.js';
import { advanceRollout } from './controller.js';

export interface RolloutRunner {
  /** Finishes the look under way, and takes no more. */
  stop(): Promise<void>;
}

/** Takes the looks of every open rollout as they come due, until it is stopped. Several servers may: one of them keeps a look. */
export function startRollouts(
  store: Store,
  { everyMs = 1000, onFault }: { readonly everyMs?: number; readonly onFault: (error: unknown) => void },
): RolloutRunner {
  let stopped = false;
  let wake: () => void = () => undefined;
  const run = async (): Promise<void> => {
    while (!stopped) {
      try {
        for (const { id } of await store.listRollouts({ open: true })) {
          if (stopped) break;
          await advanceRollout(store, id, Date.now());
        }
      } catch (error) {
        // The next turn tries again: nothing was decided by a look that failed.
        onFault(error);
      }
      if (stopped) break;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, everyMs);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  };
  const running = run();
  return {
    async stop() {
      stopped = true;
      wake();
      await running;
    },
  };
}
