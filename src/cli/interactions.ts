import { openRuntime } from '../graph/runtime/choose.js';
import { INTERACTIONS } from '../regularizers/interactions.js';
import { interactionTable } from '../reports/terminal-evidence.js';
import { terminalOptions } from '../reports/terminal-style.js';
import { prepareData } from '../spec/prepare.js';
import { readSpec } from '../spec/read.js';
import { factorial } from '../tuning/factorial.js';
import { interruptible } from './interruptible.js';
import { answer, type CommonOptions, note } from './output.js';
import { withStore } from './use-store.js';

export interface InteractionOptions extends CommonOptions {
  /** Spec whose regularizers are measured pair by pair. */
  spec?: string;
  seeds: number;
}

/** The table of known interactions; with a spec, its pairs measured on its data. */
export async function showInteractions(options: InteractionOptions): Promise<void> {
  if (options.spec === undefined) {
    const lines = INTERACTIONS.map(
      ({ first, second, kind, reason, remedy, source, measured }) =>
        `${kind.padEnd(6)}  ${first} + ${second}\n        ${reason}. ${remedy}.\n        ${source}${measured === undefined ? '' : `\n        Measured (docs/results/interactions.md): ${measured}`}`,
    );
    answer(options, INTERACTIONS, lines.join('\n\n'));
    return;
  }
  const resolved = await readSpec(options.spec);
  const data = await withStore(options.store, { create: true }, (store) =>
    prepareData(resolved, { register: store.holdoutRegister('interactions') }),
  );
  const interruption = interruptible();
  try {
    const pairs = await factorial(resolved, {
      runtime: await openRuntime(),
      data,
      seeds: options.seeds,
      signal: interruption.signal,
      onRun: (label, index, count) => note(`${label}  (${index} of ${count})`),
    });
    const rows = { validation: data.split.validation.length, train: data.split.train.length };
    answer(options, { seeds: options.seeds, rows, pairs }, interactionTable(pairs, terminalOptions()));
  } finally {
    interruption.stop();
  }
}
