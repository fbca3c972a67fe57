import { hashesOf } from '../data/hash-index.js';
import { assignHoldout, type HoldoutRegister, type HoldoutReport, holdoutSettings, rowSetId } from '../data/holdout.js';
import type { DataOptions } from '../data/options.js';
import { fitPreprocessor } from '../data/preprocess/fit.js';
import type { Preprocessor } from '../data/preprocess/preprocessor.js';
import type { Notice, ReadOptions } from '../data/read/options.js';
import { readTable } from '../data/read/read.js';
import { type Roles, requireColumn, resolveRoles } from '../data/roles.js';
import { applySeries } from '../data/series.js';
import type { Split, SplitInput, SplitStrategy } from '../data/split.js';
import { splitInput, strategyOf } from '../data/split-input.js';
import type { Table } from '../data/table.js';
import { apartFrom, byTarget, splitInputOf } from '../data/unlabelled.js';
import { contentVersion } from '../data/version.js';
import { BallastError } from '../errors.js';
import type { ResolvedSpec } from './read.js';
import { applyTokenizers, type ColumnTokenizer, fitTokenizers } from './tokens.js';

/** The data of a spec: read, typed, split, with its holdout locked and its preprocessing fitted on the training part. */
export interface PreparedData {
  /** With tokens in place of tokenized texts, and with series. */
  readonly table: Table;
  readonly tokenizers: readonly ColumnTokenizer[];
  readonly roles: Roles;
  /** Name that the locked holdout belongs to. */
  readonly name: string;
  /** Content hash. */
  readonly version: string;
  readonly strategy: SplitStrategy;
  readonly splitInput: SplitInput;
  readonly split: Split;
  /** Rows without a target that are trained on beside the training part (data.unlabelled: keep). */
  readonly unlabelled: Uint32Array;
  readonly holdout: HoldoutReport;
  /** Id of the set of holdout rows: what reads are counted by. */
  readonly rowSet: string;
  readonly preprocessor: Preprocessor;
  readonly notices: readonly Notice[];
}

export interface PrepareOptions {
  readonly register: HoldoutRegister;
  /** Draw a new holdout where the settings no longer fit the locked one; recorded. */
  readonly newHoldout?: boolean;
  /** Roles that have an effect on what the data is for, beside those that always have. */
  readonly uses?: readonly OwnRole[];
}

/** A role that only some models know what to do with. */
export type OwnRole = 'offset' | 'event' | 'targets';

/**
 * Reads and splits the data of a spec. Rows once held out under this data-set name stay held out.
 *
 * @throws BallastError of reading, roles, splitting (HOLDOUT_CONFLICT) and encoding
 */
export async function prepareData(
  resolved: ResolvedSpec,
  { register, newHoldout = false, uses = [] }: PrepareOptions,
): Promise<PreparedData> {
  const { spec } = resolved;
  refuseUnused(spec.data, uses);
  const notices: Notice[] = [];
  const table = await readTable(
    spec.data.source,
    readOptions(resolved, (notice) => notices.push(notice)),
  );
  const shaped = applySeries(table, spec.data.features);
  const roles = resolveRoles(shaped, spec.data);
  if (roles.target === undefined) {
    throw new BallastError('the target is not named', {
      code: 'DATA_TARGET_UNSET',
      place: `${resolved.path ?? 'spec'} data.target`,
      remedy: `Set it to one of the columns: ${table.columns
        .map((column) => column.name)
        .slice(0, 20)
        .join(', ')}`,
    });
  }
  const name = datasetName(spec.data);
  const strategy = strategyOf(spec.data, true);
  const { validation, holdout, seed, bins } = spec.data.split;
  const input = splitInput(table, roles, strategy, bins, spec.task);
  const settings = { strategy, validation, holdout, seed };
  const looksAt = { random: [], stratified: [roles.target], group: roles.group, time: [roles.time ?? ''] }[strategy];
  const fingerprint = holdoutSettings({
    strategy,
    holdout,
    seed,
    by: roles.id.length > 0 ? roles.id : 'content',
    columns: looksAt,
    ...(strategy === 'stratified' && spec.task === 'regression' ? { bins } : {}),
  });
  const lock = await register.read(name);
  const target = requireColumn(table, roles.target, 'the target column', 'data.target');
  const { labelled, unlabelled } =
    spec.data.unlabelled === 'keep'
      ? byTarget(target, table.rows)
      : { labelled: undefined, unlabelled: new Uint32Array(0) };
  const ofLabelled = labelled === undefined ? input : splitInputOf(input, labelled);
  const assigned = assignHoldout(name, ofLabelled, settings, fingerprint, lock, newHoldout);
  const split = labelled === undefined ? assigned.split : rowsOfParts(assigned.split, labelled);
  const heldOut = Uint32Array.from([...split.validation, ...split.holdout]);
  const kept = apartFrom(unlabelled, heldOut, input, lock?.hashes);
  if (unlabelled.length > 0) notices.push(unlabelledNotice(kept.length, unlabelled.length));
  const seen = kept.length === 0 ? split.train : Uint32Array.from([...split.train, ...kept]).sort();
  const tokenizers = await fitTokenizers(table, spec.data.features, seen, resolved.baseDirectory);
  const encoded = applyTokenizers(shaped, tokenizers);
  const preprocessor = fitPreprocessor(encoded, roles, seen, {
    task: spec.task,
    labelled: split.train,
    features: spec.data.features,
    ...(spec.data.classes === undefined ? {} : { classes: spec.data.classes }),
  });
  // Only now: a spec whose data cannot be encoded must not have locked anything.
  await register.write(name, assigned.lock);
  return {
    table: encoded,
    tokenizers,
    roles,
    name,
    version: contentVersion(table),
    strategy,
    splitInput: input,
    split,
    unlabelled: kept,
    holdout: assigned.report,
    rowSet: rowSetId(hashesOf(input.hashes, split.holdout)),
    preprocessor,
    notices,
  };
}

/** Positions within the labelled rows -> rows of the table. */
function rowsOfParts({ train, validation, holdout }: Split, labelled: Uint32Array): Split {
  const rows = (part: Uint32Array): Uint32Array => part.map((position) => labelled[position]);
  return { train: rows(train), validation: rows(validation), holdout: rows(holdout) };
}

function unlabelledNotice(kept: number, all: number): Notice {
  const left = all - kept;
  return {
    code: 'TARGET_UNLABELLED',
    message: `${kept} rows without a target are in the training part, seen by regularizers alone${
      left === 0 ? '' : `; ${left} more are left out, which belong to rows that are held out`
    }`,
    count: all,
  };
}

/** What the reader is told, out of the spec's `data` section. */
export function readOptions({ spec, baseDirectory }: ResolvedSpec, notice?: (notice: Notice) => void): ReadOptions {
  const {
    source: _source,
    name: _name,
    target,
    classes: _classes,
    unlabelled: _unlabelled,
    columns: _columns,
    features,
    split: _split,
    ...reader
  } = spec.data;
  return {
    ...reader,
    columns: {
      ...Object.fromEntries(Object.keys(features.tokens).map((name) => [name, 'text' as const])),
      ...features.types,
    },
    baseDirectory,
    ...(target === undefined ? {} : { target }),
    ...(notice === undefined ? {} : { notice }),
  };
}

/** The data set's name: as given, or its source. */
function datasetName({ name, source }: Pick<DataOptions, 'name' | 'source'>): string {
  return name ?? (typeof source === 'string' ? source : source.join(' '));
}

/** Roles that would have no effect: better refused than silently ignored. */
function refuseUnused({ columns }: DataOptions, uses: readonly OwnRole[]): void {
  for (const role of ['offset', 'event', 'targets'] as const) {
    if (columns[role] === undefined || uses.includes(role)) continue;
    const instead = {
      event: 'Fit survival times with ballast path --family cox, or remove it',
      offset: 'Fit it with ballast path, or remove it',
      targets: 'Fit several targets with ballast path --family mgaussian, or remove it',
    }[role];
    throw new BallastError(`the role "${role}" has no effect here`, {
      code: 'SPEC_NOT_SUPPORTED',
      place: `data.columns.${role}`,
      remedy: `${instead}; the column then is a feature unless data.features.exclude names it`,
    });
  }
}
