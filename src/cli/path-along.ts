import { randomBytes } from 'node:crypto';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { openRuntime } from '../graph/runtime/choose.js';
import { writeStrengthReport } from '../reports/strength-report.js';
import { prepareData } from '../spec/prepare.js';
import { readSpec } from '../spec/read.js';
import { lateRegister } from '../tuning/late-register.js';
import { type StrengthResponse, strengthPath, strengthsOf } from '../tuning/strength-path.js';
import { recordStrengthPath } from '../tuning/strength-record.js';
import { refuseGiven } from './given-options.js';
import { interruptible } from './interruptible.js';
import { localFolder } from './local-folder.js';
import { answer, type CommonOptions, note } from './output.js';
import { CHOOSING } from './path-choosing.js';
import { OF_COLUMNS } from './path-penalties.js';
import { withStore } from './use-store.js';
import { version } from './version.js';

export interface AlongOptions extends CommonOptions {
  along: string;
  strengths: number;
  from?: number;
  to?: number;
  members: number;
  warmEpochs?: number;
  newHoldout?: boolean;
  out?: string;
}

/** Options that only the path of a convex model has. */
const CONVEX = [
  'family',
  'delta',
  'grouped',
  'alpha',
  'folds',
  'repeats',
  'workers',
  'lambdas',
  'ratio',
  'tolerance',
  'standardize',
  'intercept',
  ...CHOOSING,
  ...OF_COLUMNS,
];
/** Options that only the path along a strength has. */
const ALONG = ['strengths', 'from', 'to', 'members', 'warmEpochs'];

/** Refuses options of the other kind of path. @throws BallastError USAGE */
export function refuseOther(command: Command, along: string | undefined): void {
  refuseGiven(command, along === undefined ? ALONG : CONVEX, {
    reason: along === undefined ? 'goes with --along' : 'belongs to the path of a convex model, not to --along',
  });
}

/** `ballast path SPEC --along TYPE`: the model trained along one strength. */
export async function pathAlong(file: string, options: AlongOptions): Promise<void> {
  const started = performance.now();
  const resolved = await readSpec(file);
  const strengths = strengthsOf(options.along, options.strengths, options.from, options.to);
  await withStore(options.store, { create: true }, async (store) => {
    const runtime = await openRuntime();
    const interruption = interruptible();
    try {
      const register = lateRegister(store.holdoutRegister('path --along'));
      const data = await prepareData(resolved, { register, newHoldout: options.newHoldout === true });
      const response = await strengthPath(resolved, {
        runtime,
        data,
        along: options.along,
        strengths,
        members: options.members,
        warmEpochs: options.warmEpochs ?? Math.max(1, Math.ceil(resolved.spec.training.epochs / 3)),
        signal: interruption.signal,
        onProgress: (done, of) => note(`${options.along}: ${done} of ${of} trainings`),
      });
      await register.commit();
      const runId = await recordStrengthPath(store, resolved, data, response, {
        runtime,
        ballastVersion: version(),
        groupId: randomBytes(8).toString('hex'),
      });
      const folder = resolve(options.out ?? join(localFolder(options.store), 'paths', runId));
      const report = await writeStrengthReport({ title: resolved.spec.name, runId, response }, folder);
      const seconds = (performance.now() - started) / 1000;
      answer(options, { run: runId, ...documentOf(response), report, seconds }, linesOf(response, report));
    } finally {
      interruption.stop();
    }
  });
}

function documentOf({ points, best, strongest, knee, ...rest }: StrengthResponse): Record<string, unknown> {
  const strengthAt = (place: number): number => points[place].strength;
  return {
    ...rest,
    points,
    best: strengthAt(best),
    strongest: strengthAt(strongest),
    knee: knee === undefined ? null : strengthAt(knee),
  };
}

function linesOf({ along, loss, points, best, strongest, knee }: StrengthResponse, report: string): string {
  const cell = (value: number): string => String(Number(value.toPrecision(4))).padStart(11);
  const marks = (place: number): string =>
    [
      ...(place === best ? ['best'] : []),
      ...(place === strongest ? ['strongest'] : []),
      ...(place === knee ? ['knee'] : []),
    ].join(', ');
  const heads = [along.slice(0, 11), 'train', 'validation', 'se', 'gap', 'bias^2', 'variance'];
  return [
    heads.map((head) => head.padStart(11)).join(''),
    ...points.map(({ strength, train, validation, gap, biasSquared, variance }, place) =>
      [strength, train.mean, validation.mean, validation.se, gap.mean, biasSquared, variance]
        .map(cell)
        .concat(`  ${marks(place)}`)
        .join('')
        .trimEnd(),
    ),
    '',
    `${loss}; best: least validation loss; strongest: within one standard error of it; knee: from there on training loss rises faster`,
    `report   ${report}`,
  ].join('\n');
}
