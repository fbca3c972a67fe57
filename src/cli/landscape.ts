import { Command, InvalidArgumentError, Option } from 'commander';
import { BallastError } from '../errors.js';
import { filterNormalized } from '../evaluation/landscape/directions.js';
import { curvature } from '../evaluation/landscape/hessian.js';
import { lossAlong, lossBetween, lossGrid, spaced } from '../evaluation/landscape/scan.js';
import { rowFigure, sharpness } from '../evaluation/landscape/sharpness.js';
import { writeFileAtomically } from '../graph/format/atomic-file.js';
import { readModelFile } from '../graph/format/file.js';
import { openRuntime } from '../graph/runtime/choose.js';
import { lossBetweenPlot, lossCurvePlot, lossSurfacePlot } from '../reports/plots/landscape.js';
import type { Store } from '../store/types.js';
import { type LandscapeSubject, type OpenSurface, openSurface } from '../tuning/landscape.js';
import { requireModel } from '../tuning/result-record.js';
import { modelOfRun, otherRows, ownRows } from '../tuning/run-rows.js';
import { readSubject } from './evaluate-file.js';
import { type FileOptions, withFileOptions } from './file-options.js';
import { interruptible } from './interruptible.js';
import { type LandscapeDocument, landscapeLines } from './landscape-lines.js';
import { svgFile, wholeNumber } from './option-values.js';
import { answer, note } from './output.js';
import { withStore } from './use-store.js';

interface LandscapeOptions extends FileOptions {
  part?: 'train' | 'validation';
  rows: number;
  rho: number;
  adaptiveRho: number;
  steps: number;
  iterations: number;
  probes: number;
  curve?: string;
  surface?: string;
  to?: string;
  directions: number;
  points: number;
  range: number;
  seed: number;
}

export function landscapeCommand(): Command {
  return withFileOptions(new Command('landscape'))
    .argument('<model>', 'run (its id or runs:/ID), .onnx file, or models:/NAME/VERSION')
    .option('--data <source>', 'on the rows of this source; a run’s own training rows unless given')
    .addOption(new Option('--part <part>', 'which own rows of a run').choices(['train', 'validation']))
    .option('--rows <count>', 'at most so many rows, evenly spaced', wholeNumber(2, 1e7), 1000)
    .option('--rho <radius>', 'radius of the ball of SAM', positive, 0.05)
    .option('--adaptive-rho <radius>', 'radius of ASAM, relative to the size of each weight', positive, 0.5)
    .option('--steps <count>', 'steps of each climb within the ball', wholeNumber(1, 10_000), 20)
    .option('--iterations <count>', 'most power iterations for an eigenvalue', wholeNumber(1, 100_000), 100)
    .option('--probes <count>', 'random vectors for the trace', wholeNumber(2, 100_000), 30)
    .option('--curve <file.svg>', 'draw the loss along random directions, or with --to between two models', svgFile)
    .option('--to <model>', 'run or .onnx file of the same architecture that the curve leads to')
    .option('--surface <file.svg>', 'draw the loss over a plane of two random directions', svgFile)
    .option('--directions <count>', 'random directions of the curve', wholeNumber(1, 100), 3)
    .option('--points <count>', 'points of a curve and of each side of the surface', wholeNumber(3, 1001), 21)
    .option('--range <distance>', 'how far to both sides; 1 replaces a filter by one of its length', positive, 1)
    .option('--seed <number>', 'seed of everything random', wholeNumber(0, 2 ** 31), 0)
    .addHelpText(
      'after',
      `
The loss is the plain cross-entropy (or half the squared error) of the model as it predicts: without penalties, dropout or
other disturbances, with running statistics fixed. Products with its Hessian are exact: a graph differentiated twice.

Examples:
  ballast landscape 3f2a91c0
  ballast landscape 3f2a91c0 --surface surface.svg --json
  ballast landscape 3f2a91c0 --to 8b11e0aa --curve between.svg
  ballast landscape model.onnx --data rows.csv --target y --task classification --output scores:logits
`,
    )
    .action(landscapeAction);
}

async function landscapeAction(reference: string, options: LandscapeOptions): Promise<void> {
  if (options.to !== undefined && options.curve === undefined) {
    throw usage('--to', 'it names where a curve leads to, and no curve is asked for', 'Add --curve FILE.svg');
  }
  const needed = [reference, options.to ?? ''].some((name) => name !== '' && !isFile(name));
  if (!needed) {
    await landscape(reference, options, undefined);
    return;
  }
  await withStore(options.store, { create: false }, (store) => landscape(reference, options, store));
}

async function landscape(reference: string, options: LandscapeOptions, store: Store | undefined): Promise<void> {
  const subject = await subjectOf(reference, options, store);
  const other = options.to === undefined ? undefined : await otherModel(options.to, options, store);
  const interruption = interruptible();
  try {
    const runtime = await openRuntime();
    const open = await openSurface(runtime, subject, { limit: options.rows, signal: interruption.signal });
    try {
      const end = other === undefined ? undefined : await open.pointOf(other);
      const document = await measure(open, options, end);
      const { loss, rows, parameters, sharpness: found, hessian, curve, between, grid } = document;
      const subtitle = `${rows} rows, ${parameters} parameters; loss ${loss.value.toFixed(4)}`;
      const files = [
        ...(options.curve === undefined
          ? []
          : [
              [
                options.curve,
                between === undefined ? lossCurvePlot(curve ?? [], subtitle) : lossBetweenPlot(between, subtitle),
              ] as const,
            ]),
        ...(options.surface === undefined || grid === undefined
          ? []
          : [[options.surface, lossSurfacePlot(grid, loss.value, subtitle)] as const]),
      ];
      for (const [path, svg] of files) await writeFileAtomically(path, [Buffer.from(`${svg}\n`)]);
      answer(
        options,
        { model: reference, ...document },
        [
          ...landscapeLines({ loss, rows, parameters, sharpness: found, hessian, between }),
          ...files.map(([path]) => `plot       ${path}`),
        ].join('\n'),
      );
    } finally {
      open.release();
    }
  } finally {
    interruption.stop();
  }
}

/** All figures that are asked for, in the order of their cost. */
async function measure(
  { surface }: OpenSurface,
  options: LandscapeOptions,
  end: Float32Array | undefined,
): Promise<LandscapeDocument> {
  const { seed, steps, rho, adaptiveRho, iterations, probes, points, range } = options;
  const tell = stages();
  const { losses } = await surface.loss(surface.start);
  tell(`sharpness within a ball of ${rho}`);
  const sam = await sharpness(surface, { rho, adaptive: false, steps, seed });
  tell(`sharpness within an adaptive ball of ${adaptiveRho}`);
  const asam = await sharpness(surface, { rho: adaptiveRho, adaptive: true, steps, seed });
  const hessian = await curvature(surface, {
    iterations,
    probes,
    seed,
    onProgress: (what, done, of) =>
      what === 'trace'
        ? tell('trace of the Hessian', `probe ${done} of ${of}`)
        : tell('largest eigenvalue of the Hessian', `iteration ${done}, at most ${of}`),
  });
  const at = spaced(-range, range, points);
  const drawn = Array.from(
    { length: Math.max(options.surface === undefined ? 0 : 2, options.directions) },
    (_, label) => filterNormalized(surface, seed, label),
  );
  const common = {
    rows: surface.rows,
    parameters: surface.dimension,
    loss: rowFigure(surface, losses, seed),
    sharpness: { sam, asam },
    hessian,
  };
  const onPoint = (what: string) => (done: number, of: number) => tell(what, `${done} of ${of}`);
  const between =
    end === undefined
      ? undefined
      : await lossBetween(surface, end, spaced(-0.25, 1.25, points), onPoint('curve between the models'));
  const curve: LandscapeDocument['curve'] = [];
  if (options.curve !== undefined && end === undefined) {
    for (const [i, direction] of drawn.slice(0, options.directions).entries()) {
      curve.push(await lossAlong(surface, direction, at, onPoint(`curve ${i + 1} of ${options.directions}`)));
    }
  }
  const grid =
    options.surface === undefined ? undefined : await lossGrid(surface, [drawn[0], drawn[1]], at, onPoint('surface'));
  return {
    ...common,
    ...(curve.length === 0 ? {} : { curve }),
    ...(between === undefined ? {} : { between }),
    ...(grid === undefined ? {} : { grid }),
  };
}

/** The model, and the rows to look at. */
async function subjectOf(
  reference: string,
  options: LandscapeOptions,
  store: Store | undefined,
): Promise<LandscapeSubject> {
  const { data, part } = options;
  if (isFile(reference)) {
    if (data === undefined) throw usage('--data', 'an .onnx file comes without rows', 'Give them with --data SOURCE');
    if (part !== undefined) throw usage('--part', 'an .onnx file has no rows of its own', 'Leave it out');
    return fileSubject(reference, { ...options, data });
  }
  if (part !== undefined && data !== undefined) throw usage('--part', 'the rows are those of --data', 'Leave one out');
  for (const name of ['spec', 'target', 'task', 'output', 'classes', 'input'] as const) {
    const given = options[name];
    if (given === undefined || given.length === 0 || (options.to !== undefined && isFile(options.to))) continue;
    throw usage(`--${name}`, `--${name} describes an .onnx file, and a run knows it already`, 'Leave it out');
  }
  const run = await required(store).findRun(reference);
  await requireModel(required(store), run);
  const { model, ports } = await modelOfRun(required(store), run);
  const rows =
    data === undefined
      ? await ownRows(required(store), run, part ?? 'train', 'landscape')
      : await otherRows(required(store), run, data);
  return { model, ports, place: `runs:/${run.id}`, ...rows };
}

async function fileSubject(path: string, options: FileOptions & { data: string }): Promise<LandscapeSubject> {
  const { ports, table, setting } = await readSubject(path, options);
  const rows = Uint32Array.from({ length: table.rows }, (_, row) => row);
  return { model: await readModelFile(path), ports, table, rows, roles: setting.roles, place: path };
}

async function otherModel(
  reference: string,
  options: LandscapeOptions,
  store: Store | undefined,
): Promise<Pick<LandscapeSubject, 'model' | 'ports' | 'place'>> {
  if (isFile(reference)) {
    if (options.data === undefined) {
      throw usage('--to', 'an .onnx file is compared on rows that are named', 'Give them with --data SOURCE');
    }
    return fileSubject(reference, { ...options, data: options.data });
  }
  const run = await required(store).findRun(reference);
  await requireModel(required(store), run);
  return { ...(await modelOfRun(required(store), run)), place: `runs:/${run.id}` };
}

function required(store: Store | undefined): Store {
  if (store === undefined) throw new Error('a run is read from a store');
  return store;
}

const isFile = (reference: string): boolean => reference.endsWith('.onnx');

/** A line on stderr where a stage begins, and every few seconds within one. */
function stages(): (stage: string, done?: string) => void {
  const EVERY_MS = 3000;
  let current = '';
  let told = 0;
  return (stage, done) => {
    const now = performance.now();
    if (stage === current && now - told < EVERY_MS) return;
    note(stage === current && done !== undefined ? `${stage}: ${done}` : stage);
    [current, told] = [stage, now];
  };
}

function usage(place: string, message: string, remedy: string): BallastError {
  return new BallastError(message, { code: 'USAGE', place, remedy });
}

function positive(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value > 0 && Number.isFinite(value))) {
    throw new InvalidArgumentError('It is a number above 0.');
  }
  return value;
}
