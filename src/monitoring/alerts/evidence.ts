import type { Store } from '../../store/index.js';
import { compressionOf } from '../../tuning/run-ledger.js';
import type { DriftWatch } from '../slo/drift-watch.js';
import { measureModel } from '../slo/measure-model.js';
import type { ModelEvidence } from './condition.js';

/** Everything that is known of a model at a moment and that alerts are judged by. */
export async function gatherEvidence(
  store: Store,
  name: string,
  { now, drift: watch }: { readonly now: number; readonly drift: DriftWatch },
): Promise<ModelEvidence> {
  const { model, slos, statuses, windows, drift } = await measureModel(store, name, { now, drift: watch });
  const promised = slos.some(({ source }) => source !== 'default');
  const compression = await compressionLoss(store, model.run);
  return {
    ...{ model, statuses, windows, promised, now },
    ...(compression === undefined ? {} : { compression }),
    ...(drift === undefined
      ? {}
      : { drift: drift.drifted.map((each) => ({ column: each.name, effect: each.effect })) }),
  };
}

async function compressionLoss(
  store: Store,
  run: ModelEvidence['model']['run'],
): Promise<ModelEvidence['compression'] | undefined> {
  if (run === undefined) return undefined;
  const found = await compressionOf(store, run, 'accuracy');
  if (found === undefined) return undefined;
  const { value, interval } = found.lost;
  return { metric: 'accuracy', value, interval };
}
