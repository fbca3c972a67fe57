import { dataOptionsSchema } from '../data/options.js';
import type { ReadOptions } from '../data/read/options.js';
import { readTable } from '../data/read/read.js';
import { resolveRoles } from '../data/roles.js';
import { applySeries } from '../data/series.js';
import type { Table } from '../data/table.js';
import { BallastError } from '../errors.js';
import { parseAttack } from '../evaluation/attacks/options.js';
import type { Robustness } from '../evaluation/attacks/robustness.js';
import type { Formula } from '../evaluation/formula/formula.js';
import type { PredictionInput } from '../evaluation/input.js';
import { readModelFile } from '../graph/format/file.js';
import { normalize } from '../graph/format/normalize.js';
import type { Model } from '../graph/model.js';
import { openRuntime } from '../graph/runtime/choose.js';
import { writeEvaluationReport } from '../reports/evaluation-report.js';
import { metricsTable } from '../reports/terminal.js';
import { terminalOptions } from '../reports/terminal-style.js';
import { readOptions } from '../spec/prepare.js';
import { type ResolvedSpec, readSpec } from '../spec/read.js';
import { applyTokenizers } from '../spec/tokens.js';
import { attackModel } from '../tuning/attack-model.js';
import { describedPorts, describedTokenizers } from '../tuning/described-ports.js';
import { evaluateModel, scoreModel } from '../tuning/evaluate-run.js';
import { foreignPorts, type ModelPorts } from '../tuning/model-ports.js';
import { type AskedOptions, askedOf } from './asked-options.js';
import { evaluationDocument } from './evaluation-document.js';
import { fairnessLines } from './fairness-lines.js';
import type { FileOptions } from './file-options.js';
import { formulaFigures, formulaLines } from './formula-option.js';
import { answer } from './output.js';
import { robustnessLines } from './robustness-lines.js';
import { sliceLines } from './slice-lines.js';
import { stressLines, tellStress } from './stress-lines.js';
import { uncertaintyLines, uncertaintyOfPredictions } from './uncertainty.js';

/** What `ballast evaluate` takes beside. */
export interface EvaluateFileOptions extends FileOptions, AskedOptions {
  adversarial?: string;
  uncertainty?: boolean;
  stress?: boolean;
  slices?: boolean;
  fairness?: string[];
  formula?: Formula[];
  report?: string;
}

/**
 * Evaluates a model file, of Ballast or from elsewhere, on the rows of a source.
 *
 * @throws BallastError MODEL_AMBIGUOUS and others of what is not said, or does not fit
 */
export async function evaluateFile(path: string, options: EvaluateFileOptions & { data: string }): Promise<void> {
  const { model, ports, table, setting } = await readSubject(path, options);
  const attack = options.adversarial === undefined ? undefined : parseAttack(options.adversarial);
  const runtime = await openRuntime();
  const beside = {
    slices: options.slices === true,
    fairness: options.fairness ?? [],
    asked: askedOf(options),
    formulas: options.formula ?? [],
    ...(options.stress === true ? { stress: tellStress } : {}),
  };
  const { evaluation, predictions, stress, weakSlices, ...scored } = await evaluateModel(
    runtime,
    model,
    ports,
    table,
    setting,
    beside,
  );
  const uncertainty = uncertaintyOfPredictions(options.uncertainty, predictions);
  const formulas = formulaFigures(scored.formulas);
  const lines = [
    metricsTable(evaluation, terminalOptions()),
    ...formulaLines(formulas),
    ...uncertaintyLines(uncertainty),
    ...stressLines(stress),
    ...fairnessLines(evaluation),
    ...sliceLines(weakSlices),
  ];
  let robustness: Robustness | undefined;
  if (attack !== undefined) {
    const rows = Uint32Array.from({ length: table.rows }, (_, row) => row);
    const asRead = await readModelFile(path);
    const { target } = setting.roles;
    robustness = await attackModel(runtime, { model: asRead, ports, table, rows, target }, attack);
    lines.push('', ...robustnessLines(robustness));
  }
  if (options.report !== undefined) {
    await writeEvaluationReport(
      {
        ...{ subject: path, rows: options.data, createdAt: new Date() },
        ...{ evaluation, uncertainty, weakSlices, formulas, stress, robustness },
      },
      options.report,
    );
    lines.push('', `report   ${options.report}`);
  }
  answer(
    options,
    { model: path, ...evaluationDocument(evaluation, { robustness, stress, uncertainty, weakSlices, formulas }) },
    lines.join('\n'),
  );
}

/** What a model file answers to the rows of a source, beside the right answers. @throws as {@link evaluateFile} */
export async function scoreFile(
  path: string,
  options: FileOptions & { data: string },
): Promise<{ model: Model; ports: ModelPorts; predictions: PredictionInput }> {
  const { model, ports, table, setting } = await readSubject(path, options);
  const rows = Uint32Array.from({ length: table.rows }, (_, row) => row);
  return { model, ports, predictions: await scoreModel(await openRuntime(), model, ports, table, rows, setting) };
}

/** Rows of another source as those of {@link readSubject}, whose right answers need not be there. @throws of reading a table */
export async function readLike(path: string, options: FileOptions, source: string): Promise<Table> {
  const spec = options.spec === undefined ? undefined : await readSpec(options.spec);
  return (await readRows(path, await readForeign(path), spec, source)).table;
}

/** Rows as a model's tokenizers and a spec's series want them, and as they were read (by which locked ones are known). */
async function readRows(
  path: string,
  model: Model,
  spec: ResolvedSpec | undefined,
  source: string,
  target?: string,
): Promise<{ readonly raw: Table; readonly table: Table }> {
  const { target: _target, ...read }: ReadOptions = spec === undefined ? {} : readOptions(spec);
  const tokenizers = inFile(path, () => describedTokenizers(model));
  const texts = Object.fromEntries(tokenizers.map(({ column }) => [column, 'text' as const]));
  const raw = await readTable(source, {
    ...read,
    columns: { ...read.columns, ...texts },
    ...(target === undefined ? {} : { target }),
    baseDirectory: process.cwd(),
  });
  const shaped = spec === undefined ? raw : applySeries(raw, spec.spec.data.features);
  return { raw, table: applyTokenizers(shaped, tokenizers) };
}

/** A model file, the rows for it and how they reach it. @throws as {@link evaluateFile} */
export async function readSubject(path: string, options: FileOptions & { data: string }) {
  const model = await readForeign(path);
  const spec = options.spec === undefined ? undefined : await readSpec(options.spec);
  const target = options.target ?? spec?.spec.data.target ?? (model.metadata.get('ballast.target') || undefined);
  if (target === undefined) {
    throw new BallastError('the column with the right answers is not named', {
      code: 'MODEL_AMBIGUOUS',
      place: path,
      remedy: 'Add --target COLUMN or --spec SPEC',
    });
  }
  const { raw, table } = await readRows(path, model, spec, options.data, target);
  const roles = resolveRoles(table, spec?.spec.data ?? dataOptionsSchema.parse({ source: options.data, target }));
  const ports = inFile(
    path,
    () =>
      (describesItself(options) ? describedPorts(model) : undefined) ??
      foreignPorts(model, table, {
        task: options.task ?? spec?.spec.task,
        output: options.output,
        classes: options.classes,
        inputs: options.input,
        target,
        features: roles.features,
      }),
  );
  const setting = {
    roles: { ...roles, target },
    primary: spec?.spec.objectives.primary,
    seed: spec?.spec.training.seed ?? 1,
    compression: spec?.spec.compression,
    path,
  };
  return { model, ports, table, raw, setting };
}

/** A model file in the form that Ballast runs: external data beside it read, ZipMap gone. */
export async function readForeign(path: string): Promise<Model> {
  const model = await readModelFile(path);
  return inFile(path, () => normalize(model));
}

/** Whatever is wrong is wrong in this file. */
function inFile<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw error instanceof BallastError ? error.within(path) : error;
  }
}

/** Whether nothing is said of the model that its own metadata would be overruled by. */
function describesItself({ output, classes, input, task }: FileOptions): boolean {
  return output === undefined && classes === undefined && input.length === 0 && task === undefined;
}
