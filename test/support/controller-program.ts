/** A controller of rollouts in a process of its own: takes the looks that are due when it is told the time. */
import { advanceRollout } from '../../src/rollout/controller.js';
import { openStore } from '../../src/store/index.js';

const store = await openStore(process.argv[2]);
process.on('message', ({ id, now }: { readonly id: string; readonly now: number }) => {
  advanceRollout(store, id, now).then(
    () => process.send?.('done'),
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(1);
    },
  );
});
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
