/**
 * How much smaller, faster and cheaper whole compressions make four networks, each by the command that a user would write, judged on rows
 * that neither training nor the search saw.
 */
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gunzipSync, gzipSync } from 'node:zlib';
import { feedsOf } from '../../src/cli/model-feeds.js';
import { type PairedRatio, pairedRatio, type Runnable } from '../../src/compression/measure/latency.js';
import { openRuntime } from '../../src/graph/runtime/choose.js';
import { derive } from '../../src/numeric/index.js';
import type { Results } from './page.js';

const BALLAST = fileURLToPath(new URL('../../bin/ballast', import.meta.url));
const run = promisify(execFile);

/** A network, its rows in two files, and what is asked of its compression. */
interface Case {
  readonly name: string;
  readonly source: string;
  readonly heldOut: string;
  readonly spec: Readonly<Record<string, unknown>>;
  readonly constraints: readonly string[];
}

/** Runs a command of Ballast for its JSON; 1 is an answer too. */
async function ballast<T>(folder: string, ...words: string[]): Promise<T> {
  const given = { cwd: folder, maxBuffer: 1 << 28 };
  const answer = await run(process.execPath, [BALLAST, ...words, '--json'], given).catch(
    (error: { code?: unknown; stdout?: string; stderr?: string }) => {
      if (error.code === 1 && error.stdout !== undefined) return { stdout: error.stdout };
      throw new Error(`ballast ${words.join(' ')}: ${error.stderr}`);
    },
  );
  return JSON.parse(answer.stdout) as T;
}

/** Every fifth row, drawn, is held out. */
function drawn(count: number): boolean[] {
  const order = derive('compression', 'held out').permutation(count);
  const held = Array<boolean>(count).fill(false);
  for (let i = 0; i < Math.floor(count / 5); i++) held[order[i]] = true;
  return held;
}

/** Writes rows of text to two files. */
function tables(
  folder: string,
  name: string,
  header: string,
  rows: readonly string[],
): Pick<Case, 'source' | 'heldOut'> {
  const held = drawn(rows.length);
  const files = { source: `${name}.csv`, heldOut: `${name}-held-out.csv` };
  writeFileSync(join(folder, files.source), `${[header, ...rows.filter((_, i) => !held[i])].join('\n')}\n`);
  writeFileSync(join(folder, files.heldOut), `${[header, ...rows.filter((_, i) => held[i])].join('\n')}\n`);
  return files;
}

/** Fashion-MNIST's pictures in two pairs of idx files. */
function pictures(folder: string, datasets: string, quick: boolean): Pick<Case, 'source' | 'heldOut'> {
  const read = (part: string): Buffer =>
    gunzipSync(readFileSync(join(datasets, `fashion-mnist-t10k/t10k-${part}-ubyte.gz`)));
  const [images, labels] = [read('images-idx3'), read('labels-idx1')];
  const count = quick ? 2000 : labels.readUInt32BE(4);
  const held = drawn(count);
  const write = (name: string, kept: boolean): string => {
    const rows = held.flatMap((own, row) => (own === kept ? [row] : []));
    const take = (from: Buffer, start: number, width: number): Buffer => {
      const header = Buffer.from(from.subarray(0, start));
      header.writeUInt32BE(rows.length, 4);
      return Buffer.concat([
        header,
        ...rows.map((row) => from.subarray(start + row * width, start + (row + 1) * width)),
      ]);
    };
    writeFileSync(join(folder, `${name}-images-idx3-ubyte`), take(images, 16, 784));
    writeFileSync(join(folder, `${name}-labels-idx1-ubyte`), take(labels, 8, 1));
    return `${name}-images-idx3-ubyte`;
  };
  return { source: write('fashion', false), heldOut: write('held-out', true) };
}

const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;

function messages(folder: string, datasets: string): Pick<Case, 'source' | 'heldOut'> {
  const lines = readFileSync(join(datasets, 'sms-spam/sms.tsv'), 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  const rows = lines.map((line) => [line.slice(0, line.indexOf('\t')), line.slice(line.indexOf('\t') + 1)].map(quoted));
  return tables(
    folder,
    'sms',
    'label,text',
    rows.map((row) => row.join(',')),
  );
}

/** Ratings with the genres of the film, its year and the user: was it liked? */
function ratings(folder: string, datasets: string, quick: boolean): Pick<Case, 'source' | 'heldOut'> {
  const read = (name: string): string[] =>
    readFileSync(join(datasets, `movielens-latest-small/${name}.csv`), 'utf8')
      .trim()
      .split('\n')
      .slice(1);
  const films = new Map(
    read('movies').map((line) => {
      const [, id, title, genres] = /^(\d+),(.*),([^,]*)$/.exec(line.trimEnd())!;
      return [id, { year: /\((\d{4})\)/.exec(title)?.[1] ?? '', genres: new Set(genres.split('|')) }] as const;
    }),
  );
  const all = [...new Set([...films.values()].flatMap(({ genres }) => [...genres]))].sort();
  const stride = quick ? 40 : 5;
  const rows = read('ratings')
    .filter((_, i) => i % stride === 0)
    .map((line) => {
      const [user, film, rating] = line.split(',');
      const { year, genres } = films.get(film)!;
      const flags = all.map((genre) => Number(genres.has(genre)));
      return [`u${user}`, year, ...flags, Number(rating) >= 4 ? 'liked' : 'not'].join(',');
    });
  return tables(folder, 'ratings', ['user', 'year', ...all.map((_, i) => `g${i}`), 'liked'].join(','), rows);
}

/** A trained model of a folder, and its compression as the search chose it. */
interface Outcome {
  readonly name: string;
  readonly chosen: string;
  readonly met: boolean;
  /** Constraints that the rows of the search do not show to be kept, with what they do not exclude. */
  readonly notShown: Readonly<Record<string, number>>;
  readonly smaller: number;
  readonly time: { readonly value: number; readonly interval: readonly [number, number] };
  readonly accuracy: Compared;
  /** Expected calibration error, recalibration included. */
  readonly ece: Change;
  /** Recall of the class that fares worst. */
  readonly worstClass: Change;
  readonly cost: Change;
}

interface Change {
  readonly before: number;
  readonly after: number;
}

interface Compared {
  readonly first: number;
  readonly second: number;
  readonly difference: { readonly value: number; readonly interval: readonly [number, number] };
}

const PRICE = '0.1';

/** What `bench` says of two models. */
interface Bench {
  readonly bytes: number;
  readonly costPer1000: number;
  readonly ratio: PairedRatio;
  readonly against: { readonly bytes: number; readonly costPer1000: number };
}

function benched(
  folder: string,
  [small, original]: readonly [string, string],
  heldOut: string,
  batch = 1,
): Promise<Bench> {
  const models = ['bench', small, '--against', original];
  return ballast(
    folder,
    ...models,
    '--price',
    PRICE,
    '--data',
    heldOut,
    '--cold-starts',
    '0',
    '--batch',
    String(batch),
  );
}

/** Time of a request that is fed anew in every call and runs off the event loop, as a server does it: small over original. */
async function fedAnew(folder: string, models: readonly [string, string], heldOut: string): Promise<PairedRatio> {
  const runtime = await openRuntime();
  const made: Runnable[] = [];
  for (const path of models) {
    const feeds = await feedsOf(path, { data: join(folder, heldOut), batch: 1, dim: [], input: [], store: '.ballast' });
    const session = await runtime.load(readFileSync(path));
    made.push({
      call: async () => {
        await session.run(feeds);
      },
      release: () => session.release(),
    });
  }
  const ratio = await pairedRatio(made[0], made[1], { seconds: 2 });
  for (const each of made) each.release();
  return ratio;
}

async function compressed(
  folder: string,
  one: Case,
  epochs: number,
): Promise<Outcome & { readonly models: readonly [small: string, original: string] }> {
  const split = { strategy: 'stratified', validation: 0.25, holdout: 0, seed: 1 };
  const data = { source: one.source, ...(one.spec.data as object), split };
  writeFileSync(join(folder, `${one.name}.yaml`), JSON.stringify({ name: one.name, ...one.spec, data }));
  const { runs } = await ballast<{ runs: { role: string; runId: string; model: string }[] }>(
    folder,
    ...['train', `${one.name}.yaml`],
  );
  const { runId, model } = runs.find(({ role }) => role === 'model')!;
  const out = `${one.name}-small`;
  const found = await ballast<{
    chosen: string | null;
    bestMiss: string;
    front: { id: string; notShown: Record<string, number>; misses: Record<string, number> }[];
  }>(
    folder,
    ...['compress', runId, '--quick', '--student', 'search', '--epochs', String(epochs), '--out', out],
    ...one.constraints.flatMap((constraint) => ['--constraint', constraint]),
  );
  const id = found.chosen ?? found.bestMiss;
  const small = join(folder, out, `${id}.onnx`);
  const judged = await ballast<{ metrics: (Compared & { metric: string })[] }>(
    folder,
    ...['compare', small, model, '--data', one.heldOut],
  );
  const [before, after] = [await heldOutFigures(folder, model, one), await heldOutFigures(folder, small, one)];
  const bench = await benched(folder, [small, model], one.heldOut);
  const { notShown, misses } = found.front.find((each) => each.id === id)!;
  return {
    ...{ name: one.name, chosen: id, met: found.chosen !== null, models: [small, model] },
    notShown: Object.fromEntries(Object.entries(notShown).filter(([constraint]) => misses[constraint] === undefined)),
    smaller: bench.against.bytes / bench.bytes,
    time: bench.ratio,
    accuracy: judged.metrics.find(({ metric }) => metric === 'accuracy')!,
    ece: { before: before.ece, after: after.ece },
    worstClass: { before: before.worstClass, after: after.worstClass },
    cost: { before: bench.against.costPer1000, after: bench.costPer1000 },
  };
}

/** Calibration and the worst class of a model on the rows that nothing saw. */
async function heldOutFigures(
  folder: string,
  model: string,
  { heldOut }: Case,
): Promise<{ ece: number; worstClass: number }> {
  const { metrics, perClass } = await ballast<{
    metrics: Record<string, { value: number }>;
    perClass: Record<string, { recall?: { value: number } }>;
  }>(folder, 'evaluate', model, '--data', heldOut);
  const recalls = Object.values(perClass).flatMap(({ recall }) => (recall === undefined ? [] : [recall.value]));
  return { ece: metrics.ece.value, worstClass: Math.min(...recalls) };
}

const TARGETS = ['qualityLoss<=0.01', 'worstClassLoss<=0.02', 'eceRise<=0', 'sizeRatio<=0.25', 'timeRatio<=0.5'];
const points = (value: number): string => `${value < 0 ? '' : '+'}${(100 * value).toFixed(2)}`;
/** By how many percent something costs less. */
function less({ value, interval }: Pick<PairedRatio, 'value' | 'interval'>): string {
  const [most, least] = interval.map((ratio) => (100 * (1 - ratio)).toFixed(0));
  return `${(100 * (1 - value)).toFixed(0)} % less (${least} to ${most})`;
}

const change = ({ before, after }: Change): string => `${(100 * before).toFixed(1)} to ${(100 * after).toFixed(1)}`;

export const results: Results = {
  async page({ datasets, quick, tell }) {
    const folder = await mkdtemp(join(tmpdir(), 'ballast-targets-'));
    try {
      const fashion = pictures(folder, datasets, quick);
      const training = (epochs: number) => ({
        ...{ epochs: quick ? 1 : epochs, batchSize: 64 },
        optimizer: { type: 'adamw', learningRate: 0.001 },
      });
      const held = [
        { type: 'weight-decay', strength: 0.05 },
        { type: 'dropout', strength: 0.1 },
      ];
      const common = { task: 'classification', regularizers: held };
      const labelled = { target: 'label' };
      const cases: Case[] = [
        {
          ...{ name: 'cnn', ...fashion, constraints: TARGETS },
          spec: { ...common, data: labelled, model: { type: 'cnn' }, training: training(8) },
        },
        {
          ...{ name: 'transformer', ...messages(folder, datasets), constraints: TARGETS },
          spec: {
            ...{ ...common, training: training(6) },
            data: { ...labelled, features: { tokens: { text: { length: 32 } } } },
            model: { type: 'transformer', dimension: 64, heads: 4, layers: 2 },
          },
        },
        {
          ...{
            name: 'recommender',
            ...ratings(folder, datasets, quick),
            constraints: ['qualityLoss<=0.02', 'worstClassLoss<=0.02', 'eceRise<=0', 'timeRatio<=0.4'],
          },
          spec: {
            ...{ ...common, training: training(6) },
            data: { target: 'liked' },
            model: { type: 'mlp', hidden: [1024, 512] },
            regularizers: [{ type: 'weight-decay', strength: 0.01 }],
          },
        },
        {
          ...{ name: 'mlp', ...fashion, constraints: TARGETS },
          spec: { ...common, data: labelled, model: { type: 'mlp', hidden: [256, 128] }, training: training(8) },
        },
      ];
      const outcomes: Awaited<ReturnType<typeof compressed>>[] = [];
      for (const one of cases) {
        outcomes.push(await compressed(folder, one, quick ? 1 : 5));
        const { models: _, ...told } = outcomes.at(-1)!;
        tell(JSON.stringify(told));
      }
      const deep = await packed(folder, outcomes.at(-1)!.models[1], fashion, quick ? 1 : 8);
      tell(JSON.stringify(deep));
      const recommender = outcomes.find(({ name }) => name === 'recommender')!;
      const { heldOut } = cases.find(({ name }) => name === 'recommender')!;
      const fed = await fedAnew(folder, recommender.models, heldOut);
      const many = await benched(folder, recommender.models, heldOut, 32);
      tell(JSON.stringify({ fed, many }));
      const doubts = outcomes.flatMap(({ name, notShown }) =>
        Object.entries(notShown).map(
          ([constraint, end]) => `${name} ${constraint} (may be ${Number(end.toPrecision(2))})`,
        ),
      );
      const rows = outcomes.map(
        ({ name, chosen, met, smaller, time, accuracy: { second, difference }, ece, worstClass, cost }) =>
          `| ${[
            name,
            `${chosen}${met ? '' : ' (best miss)'}`,
            smaller.toFixed(1),
            `${time.value.toFixed(3)} (${time.interval.map((end) => end.toFixed(3)).join(' to ')})`,
            (100 * second).toFixed(2),
            `${points(difference.value)} (${difference.interval.map(points).join(' to ')})`,
            change(ece),
            change(worstClass),
            `${cost.before.toExponential(2)} to ${cost.after.toExponential(2)}`,
          ].join(' | ')} |`,
      );
      return `# Compression: how much smaller, faster and cheaper

Each network is trained, then compressed by one command, \`ballast compress RUN --quick --student search --epochs 5\` with constraints (a point of
accuracy, two of the worst class, no worse calibration, a quarter of the size, half of the time; the recommender: two points of
accuracy, 0.4 of the time). The search chooses on validation rows; what is told below of accuracy, calibration (expected
calibration error, scores divided by a temperature where that helped) and the class that fares worst is
of a fifth of the rows that neither training nor the search saw, differences are paired (95 %). A class that a candidate answers less often than the original does is
raised to as often. Time is of one request, the compressed model's over the original's, in turns; cost is of 1,000 rows at ${PRICE} an hour.

| Network | Chosen | times smaller | time ratio | accuracy before, % | change, points | ECE, % | recall of the worst class, % | cost |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
${rows.join('\n')}

The CNN and the perceptron see Fashion-MNIST's test pictures, the transformer (2 blocks of 64, 32 tokens) messages of the SMS Spam Collection, the recommender (1,024 and 512 units) users, genres and
years of MovieLens. What holds the transformer back where its shape is kept is not arithmetic: 8 bits make its table of words four times smaller,
and the words themselves, which the file carries, cannot be. A student with a narrower table passes that.

- The recommender costs ${less(recommender.time)} for ${points(recommender.accuracy.difference.value)} points (target: 60 % less, and a loss under 2). That is the model's own
  time for one row, all that it is fed being in place; before strings could be bound, requests of this network were timed with the feeding of its 22 inputs.
  With that, and with the change of threads that keeps a server's event loop free, in every call: ${less(fed)}. With 32 rows a call, as a server that batches has
  them: ${less(many.ratio)}, ${many.against.costPer1000.toExponential(2)} to ${many.costPer1000.toExponential(2)}.
- What the search's rows do not show, at 95 % for all candidates of a search together: ${doubts.join(', ') || 'nothing'}.
- The perceptron with nine tenths of its weights set to 0 while it trains on, then in 8 bits, then packed (gzip): ${deep.times.toFixed(1)} times smaller (target 10),
  ${points(deep.accuracy.difference.value)} points (${deep.accuracy.difference.interval.map(points).join(' to ')}); unpacked it is ${deep.equal ? 'the same bytes' : 'NOT the same bytes'}.
`;
    } finally {
      await rm(folder, { recursive: true });
    }
  },
};

/** Deep Compression (Han et al. 2016) by single steps: sparse, then 8 bits, then packed. */
async function packed(
  folder: string,
  original: string,
  { source, heldOut }: Pick<Case, 'source' | 'heldOut'>,
  epochs: number,
): Promise<{ times: number; accuracy: Compared; equal: boolean }> {
  const [sparse, bytes] = ['sparse.onnx', 'sparse-int8.onnx'];
  await ballast(
    folder,
    ...['compress', original, '--method', 'sparsify', '--ratio', '0.9', '--epochs', String(epochs)],
    ...['--data', source, '--out', sparse],
  );
  await ballast(folder, 'compress', sparse, '--method', 'dynamic-int8', '--out', bytes);
  const file = readFileSync(join(folder, bytes));
  const small = gzipSync(file, { level: 9 });
  const { metrics } = await ballast<{ metrics: (Compared & { metric: string })[] }>(
    folder,
    ...['compare', bytes, original, '--data', heldOut],
  );
  return {
    times: readFileSync(original).length / small.length,
    accuracy: metrics.find(({ metric }) => metric === 'accuracy')!,
    equal: gunzipSync(small).equals(file),
  };
}
