import { join } from 'node:path';
import { mkdtemp } from 'node:fs/promises';
import { comparePaired } from '../src/evaluation/index.js';
import { openRuntime } from '../src/graph/index.js';
import { openStore } from '../src/store/index.js';
import { resolveSpec } from '../src/spec/index.js';
import { diagnoseRun } from '../src/tuning/diagnose-run.js';
import { evaluateHoldout, runExperiment } from '../src/tuning/index.js';
import { writeModelFile } from '../src/graph/format/file.js';
import { trainArms } from './results/arms.js';
import { DEVELOPMENT } from './results/diagnosis-cases.js';
const runtime = await openRuntime();
const work = await mkdtemp('/tmp/ev/x5-');
const store = await openStore(work);
const f = (x: any) => x && x.value.toFixed(4) + ' (' + x.interval.map((v: number) => v.toFixed(4)).join(' ') + ')';
for (const n of [undefined, 120, 200, 300]) for (const each of DEVELOPMENT) {
  const data = each.spec.data as any;
  if (n !== undefined && each.name !== 'spambase' && !(each.name==='digits' && n===120)) continue;
  const split = n === undefined ? data.split : { ...data.split, validation: n, holdout: each.name === 'spambase' ? 4601 - n - n : 1797 - n - 300 };
  const spec = { ...each.spec, data: { ...data, split, source: join(process.env.BALLAST_DATASETS!, data.source) } } as any;
  const [pre] = await trainArms(spec, [{ name: 'p', regularizers: spec.regularizers }], { seeds: [101] });
  const path = join(work, each.name + n + '.onnx');
  await writeModelFile({ irVersion: 10, opsets: new Map([['', 21]]), metadata: new Map(), producer: { name: 'b', version: 'r' }, graph: pre.graph }, path);
  for (const seed of [1, 2]) {
    let healthy: any;
    for (const [epochs, lr, regularizers] of [[3, 1e-4, [{ type: 'l2-sp', strength: 0.1 }]], [30, 1e-3, []], [60, 1e-3, []], [60, 3e-3, []]] as const) {
      const s = { ...spec, model: { type: 'onnx', path }, training: { ...spec.training, seed, epochs, optimizer: { type: 'adamw', learningRate: lr } }, regularizers };
      const { runs } = await runExperiment(resolveSpec(s), { store, runtime, workFolder: work, ballastVersion: 'r' });
      const m = runs.find(({ role }) => role === 'model')!;
      const { predictions } = await evaluateHoldout(store, runtime, await store.getRun(m.runId));
      healthy ??= predictions;
      const c = comparePaired({ metric: 'logLoss', first: predictions, second: healthy }) as any;
      const moved = c.difference.value / ((c.difference.interval[1] - c.difference.interval[0]) / 3.92);
      const { findings, evidence: e } = await diagnoseRun(store, await store.getRun(m.runId), { runtime, probes: false });
      const t = e.transfer;
      console.log(each.name, n ?? '', seed, epochs, lr, 'moved', moved.toFixed(1), '|', findings.filter((x) => x.severity === 'problem').map((x) => x.id).join(' '), '| ece', f(e.validation.metrics.ece), '| T', e.temperature?.value.toFixed(2), f(e.temperature?.logLoss), '| before', t?.before.toFixed(4), 'after', t?.after.toFixed(4), 'change', f(t?.change), 'z', t && (t.change.value / ((t.change.interval[1] - t.change.interval[0]) / 2 / 2.576)).toFixed(2));
    }
  }
}
process.exit(0);
