import { dirname, resolve } from 'node:path';
import { Command } from 'commander';
import { stringify } from 'yaml';
import { formatSeconds } from '../charts/index.js';
import { diagnose, isHealthy } from '../diagnosis/diagnose.js';
import type { Finding } from '../diagnosis/finding.js';
import { applyPatch } from '../diagnosis/patch.js';
import { BallastError } from '../errors.js';
import { evaluate } from '../evaluation/evaluate.js';
import { findMetric } from '../evaluation/metrics/index.js';
import { writeFileAtomically } from '../graph/format/atomic-file.js';
import { openRuntime } from '../graph/runtime/choose.js';
import { productionEvidence } from '../monitoring/stages/production-evidence.js';
import { writeDiagnosisReport } from '../reports/diagnosis-report.js';
import { diagnosisText, loggedDiagnosisText, outcomeText } from '../reports/diagnosis-text.js';
import { terminalOptions } from '../reports/terminal-style.js';
import type { Run, Store } from '../store/types.js';
import { type Application, applyFinding } from '../tuning/apply-finding.js';
import { type Diagnosis, diagnoseRun } from '../tuning/diagnose-run.js';
import { primaryMetric } from '../tuning/judge.js';
import { diagnoseLoggedRun, isLogged } from '../tuning/logged-run.js';
import { evidenceOfPredictions } from '../tuning/prediction-evidence.js';
import { specOfRun } from '../tuning/run-rows.js';
import { scoreFile } from './evaluate-file.js';
import { type FileOptions, OF_FILES, withFileOptions } from './file-options.js';
import { refuseGiven } from './given-options.js';
import { interruptible } from './interruptible.js';
import { localFolder } from './local-folder.js';
import { htmlFile } from './option-values.js';
import { answer, answerIsNo, note } from './output.js';
import { Progress } from './progress.js';
import { withStore } from './use-store.js';
import { version } from './version.js';

/** What a spec without limits of its own is held to. */
const LIMITS = { ece: 0.05, gap: 0.03 } as const;

interface DiagnoseOptions extends FileOptions {
  probes: boolean;
  labels?: boolean;
  apply?: boolean;
  out?: string;
  report?: string;
  outside?: string;
}

export function diagnoseCommand(): Command {
  return withFileOptions(new Command('diagnose'))
    .argument('<model>', 'run (its id or runs:/ID), .onnx file, or models:/NAME/VERSION')
    .option('--no-probes', 'judge only what is recorded; train no variants of the spec')
    .option('--labels', 'look for wrong labels too: five trainings more')
    .option('--apply', 'make the change of the surest finding, train again, and tell whether it helped')
    .option('--out <file>', 'write the changed spec here (YAML)')
    .option('--report <file.html>', 'write findings and probes as a page', htmlFile)
    .option(
      '--outside <source>',
      'rows of another kind, which need no target: is the model as sure of them as of its own?',
    )
    .option('--data <source>', 'rows that the model was not trained on (.onnx files)')
    .addHelpText(
      'after',
      `
Probes are trainings with one thing of the spec changed, compared on the same validation rows; what helps is tried
again under a second seed. The holdout is never read. Exit code 1 where something is wrong.

Examples:
  ballast diagnose 3f2a91c0
  ballast diagnose 3f2a91c0 --apply
  ballast diagnose 3f2a91c0 --outside other-kind.csv
  ballast diagnose model.onnx --data rows.csv --target y --output scores:logits
`,
    )
    .action(diagnoseAction);
}

async function diagnoseAction(reference: string, options: DiagnoseOptions, command: Command): Promise<void> {
  if (reference.endsWith('.onnx')) {
    refuseGiven(command, ['apply', 'out', 'probes', 'labels', 'outside'], {
      reason: 'needs a run: a model file has no spec to change',
    });
    return diagnoseFile(reference, options);
  }
  refuseGiven(command, [...OF_FILES, 'data'], { reason: 'describes an .onnx file, and a run knows it already' });
  await withStore(options.store, { create: false }, async (store) => {
    const run = await store.findRun(reference);
    if (isLogged(run)) return diagnoseClientRun(store, run, options, command);
    return diagnoseStored(store, run, options);
  });
}

/** A run that a client logged has curves and parameters, and nothing that could be trained again. */
async function diagnoseClientRun(store: Store, run: Run, options: DiagnoseOptions, command: Command): Promise<void> {
  refuseGiven(command, ['apply', 'out', 'labels', 'report', 'outside'], {
    reason: 'needs a spec to change, and this run was logged by a client',
  });
  const { findings, pairs, regularizers } = await diagnoseLoggedRun(store, run, { gap: LIMITS.gap });
  const healthy = isHealthy(findings);
  if (!healthy) answerIsNo();
  const named = pairs.map(({ quantity, train, validation }) => ({
    quantity,
    train: train.name,
    validation: validation.name,
  }));
  const document = { run: run.id, source: 'logged', findings, healthy, pairs: named, regularizers, probes: [] };
  answer(options, document, loggedDiagnosisText({ findings, pairs, regularizers }, terminalOptions()));
}

async function diagnoseStored(store: Store, run: Run, options: DiagnoseOptions): Promise<void> {
  const interruption = interruptible();
  try {
    const runtime = await openRuntime();
    if (options.out !== undefined) requireBeside(options.out, run);
    const subject = `${run.name}, run ${run.id.slice(0, 8)}`;
    let trained = 0;
    const found = await diagnoseRun(store, run, {
      runtime,
      probes: options.probes,
      production: await productionEvidence(store, run, {
        metric: primaryMetric(specOfRun(run).spec),
        runtime,
        level: 0.99,
      }),
      labels: options.labels === true,
      ...(options.outside === undefined ? {} : { outside: options.outside }),
      signal: interruption.signal,
      onProbe: (label, seconds) =>
        note(`probe ${++trained}: ${label}${seconds < 1 ? '' : `  (about ${formatSeconds(seconds)})`}`),
    });
    const mend = found.findings.find(({ patch }) => patch !== null);
    const [first] = found.findings;
    if (options.out !== undefined) await writeChanged(options.out, found, mend);
    if (options.apply !== true || mend === undefined || mend !== first) {
      if (options.apply === true) note(notApplied(first));
      await tell(found, options, subject);
      return;
    }
    // What was found is not lost where the training is interrupted.
    if (options.json !== true)
      process.stdout.write(`${diagnosisText(found.findings, found.evidence, terminalOptions())}\n\n`);
    const applied = await applyIt(store, run, found, mend, options, { runtime, signal: interruption.signal });
    await tell(found, options, subject, applied);
  } finally {
    interruption.stop();
  }
}

/** Only the first finding is applied: what stands before another has to be mended before the other means anything. */
function notApplied(first: Finding | undefined): string {
  return first === undefined
    ? 'nothing to apply: nothing wrong was found'
    : `nothing is applied: ${first.id} (${first.name}) comes first, and no change of the spec mends it`;
}

async function applyIt(
  store: Store,
  run: Run,
  found: Diagnosis,
  finding: Finding,
  options: DiagnoseOptions,
  context: Pick<Parameters<typeof applyFinding>[3], 'runtime' | 'signal'>,
): Promise<Application> {
  note(`applying ${finding.id}: trained as an experiment of its own`);
  const { training } = applyPatch(found.resolved.spec, finding.patch ?? []);
  const progress = new Progress(primaryMetric(found.resolved.spec), training.epochs);
  try {
    return await applyFinding(
      store,
      run.id,
      { found, finding },
      {
        ...context,
        workFolder: localFolder(options.store),
        ballastVersion: version(),
        onEvent: (event) => progress.show(event),
      },
    );
  } finally {
    progress.end();
  }
}

/** Before anything is trained: paths of a spec, and packages of its data, start at its own folder. */
function requireBeside(path: string, run: Run): void {
  const { baseDirectory } = specOfRun(run);
  if (dirname(resolve(path)) === resolve(baseDirectory)) return;
  throw new BallastError('a spec stands beside what its paths start from, and this is another folder', {
    code: 'USAGE',
    place: '--out',
    value: path,
    remedy: `Name a file in ${baseDirectory}`,
  });
}

async function writeChanged(path: string, { resolved }: Diagnosis, mend: Finding | undefined): Promise<void> {
  if (mend?.patch == null) {
    note(`${path} is not written: no finding changes the spec`);
    return;
  }
  await writeFileAtomically(resolve(path), [Buffer.from(stringify(applyPatch(resolved.spec, mend.patch)))]);
  note(`changed spec written to ${path}`);
}

async function tell(
  { findings, evidence }: Pick<Diagnosis, 'findings' | 'evidence'>,
  options: DiagnoseOptions,
  subject: string,
  applied?: Application,
): Promise<void> {
  if (options.report !== undefined) {
    await writeDiagnosisReport({ subject, createdAt: new Date(), findings, evidence, applied }, options.report);
    note(`report written to ${options.report}`);
  }
  const healthy = isHealthy(findings);
  if (!healthy) answerIsNo();
  const document = {
    metric: evidence.metric,
    findings,
    healthy,
    probes: evidence.probes,
    ...(evidence.seeds === undefined ? {} : { seeds: evidence.seeds }),
    ...(applied === undefined ? {} : { applied }),
  };
  // With an application the findings were told before it.
  const text =
    applied === undefined
      ? diagnosisText(findings, evidence, terminalOptions())
      : outcomeText(applied, terminalOptions());
  answer(options, document, text);
}

/** A model file has no spec: it is judged by what it answers. */
async function diagnoseFile(path: string, options: DiagnoseOptions): Promise<void> {
  const { data } = options;
  if (data === undefined) {
    throw new BallastError('a model file needs rows to be judged on', {
      code: 'DIAGNOSE_DATA',
      remedy: 'Add --data SOURCE: rows that it was not trained on',
    });
  }
  const { model, predictions } = await scoreFile(path, { ...options, data });
  const level = 0.99;
  const metric = predictions.task === 'classification' ? 'accuracy' : 'rmse';
  const evidence = {
    task: predictions.task,
    metric,
    direction: findMetric(metric).metric.direction,
    level,
    validation: evaluate({ ...predictions, level, seed: 1 }),
    limits: LIMITS,
    manifest: model.metadata.has('ballast.manifest'),
    ...evidenceOfPredictions(predictions, { level, seed: 1 }),
    probes: [],
  };
  // There is no spec to change.
  const findings = diagnose(evidence).map((finding) => ({ ...finding, patch: null }));
  await tell({ findings, evidence }, options, path);
}
