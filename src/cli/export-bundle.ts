import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { Command } from 'commander';
import { makeCheck } from '../bundles/check.js';
import { CHECK } from '../bundles/device.js';
import { functionFiles } from '../bundles/function.js';
import { PASSPHRASE, readPrivateKey } from '../bundles/keys.js';
import { bundleId, FILE_BYTES } from '../bundles/manifest.js';
import { writeBundle } from '../bundles/write.js';
import { formatBytes } from '../charts/index.js';
import { cleanUp } from '../compression/clean/clean-up.js';
import { CERTIFICATE_KEY } from '../compression/pipeline/certificate.js';
import { BallastError } from '../errors.js';
import { writeFileAtomically } from '../graph/format/atomic-file.js';
import { writeModel } from '../graph/format/encode.js';
import { readModelFile } from '../graph/format/file.js';
import type { Model } from '../graph/model.js';
import { openRuntime } from '../graph/runtime/choose.js';
import type { Runtime } from '../graph/runtime/runtime.js';
import { describedClasses, TOKENIZERS_KEY } from '../tuning/described-ports.js';
import { type BundledModel, readBundled } from './bundle-model.js';
import { collected, withFileOptions } from './file-options.js';
import { type FeedOptions, feedsOf } from './model-feeds.js';
import { wholeNumber } from './option-values.js';
import { answer } from './output.js';
import { version as ballastVersion } from './version.js';

interface BundleOptions extends FeedOptions {
  out: string;
  key: string;
  as?: string;
  fallback?: string;
  serverless?: string;
  include: string[];
}

export function addBundleExport(command: Command): void {
  withFileOptions(command.command('bundle <model>'))
    .description('a signed bundle: model, labels, preprocessing, certificate, fallback; for devices, or as a function')
    .requiredOption('--out <file>', 'the bundle, a zip archive')
    .requiredOption('--key <file>', 'private key that signs it (ballast bundle key NAME makes one)')
    .option('--as <name/version>', 'what it is called; known of registered models and runs')
    .option('--fallback <model>', 'the version that a device falls back to that has no earlier one')
    .option(
      '--serverless <platform>',
      'with a handler and the runtime’s binaries of one platform: linux-x64, linux-arm64',
    )
    .option('--include <file>', 'a file to ship beside, such as a tokenizer; repeatable', collected, [])
    .option('--data <source>', 'rows for the check that devices make; made-up values unless given')
    .option('--batch <rows>', 'rows of that check', wholeNumber(1, 1024), 4)
    .option('--dim <name=size>', 'extent of a free axis: its name, or INPUT:AXIS; repeatable', collected, [])
    .addHelpText(
      'after',
      `
MODEL is an .onnx file, models:/NAME/VERSION, models:/NAME@ALIAS, a run, or RUN/compressed.onnx. A passphrase of the key is read
from ${PASSPHRASE}. Devices take a bundle by: ballast bundle apply.

Examples:
  ballast bundle key release
  ballast export bundle models:/digits@champion --fallback models:/digits/1 --key release.key --out digits.zip
  ballast export bundle small.onnx --as digits/4 --serverless linux-x64 --key release.key --out function.zip
`,
    )
    .action(exportBundle);
}

async function exportBundle(reference: string, options: BundleOptions): Promise<void> {
  const key = await readPrivateKey(options.key, process.env[PASSPHRASE]);
  const runtime = await openRuntime();
  const main = await readBundled(reference, options.store);
  const [name, version] = named(options.as, main);
  const contents = new Map<string, Uint8Array>();
  const own = await addModel(runtime, main, '', options, contents);
  let fallback = null;
  if (options.fallback !== undefined) {
    const other = await readBundled(options.fallback, options.store);
    await addModel(runtime, other, 'fallback/', { ...options, serverless: undefined }, contents);
    fallback = { name: other.name, version: other.version, model: 'fallback/model.onnx' };
  }
  contents.set('labels.json', json(labelsOf(own, options)));
  contents.set('preprocessing.json', json(preprocessingOf(own, options.include)));
  const certificate = own.metadata.get(CERTIFICATE_KEY);
  if (certificate !== undefined) contents.set('certificate.json', json(JSON.parse(certificate)));
  for (const file of options.include) contents.set(included(file), await readIncluded(file));
  if (options.serverless !== undefined) {
    for (const [path, bytes] of await functionFiles(options.serverless, 'model.onnx')) contents.set(path, bytes);
  }
  const about = {
    ...{ name, version, made: new Date().toISOString(), madeBy: `ballast ${ballastVersion()}` },
    platform: options.serverless ?? null,
    ...{ model: 'model.onnx', labels: 'labels.json', preprocessing: 'preprocessing.json', check: CHECK },
    certificate: certificate === undefined ? null : 'certificate.json',
    fallback,
  };
  const { archive, manifest, bytes } = await writeBundle(about, contents, key);
  await writeFileAtomically(options.out, [archive]);
  const id = bundleId(bytes);
  const unpacked = manifest.files.reduce((sum, file) => sum + file.bytes, 0);
  const model = contents.get('model.onnx')!.length;
  answer(
    options,
    {
      out: options.out,
      id,
      manifest,
      bytes: archive.length,
      unpackedBytes: unpacked,
      modelBytes: { before: main.bytes.length, after: model },
    },
    [
      `bundle   ${options.out}  ${formatBytes(archive.length)} packed, ${formatBytes(unpacked)} unpacked, ${manifest.files.length} files`,
      `of       ${name}/${version}${fallback === null ? '' : `, falls back to ${fallback.name}/${fallback.version}`}`,
      `id       ${id}`,
      ...(certificate === undefined ? ['note     the model has no certificate: ballast compress gives one'] : []),
    ].join('\n'),
  );
}

/** Puts a model with its data and its check into a folder of the bundle. */
async function addModel(
  runtime: Runtime,
  { bytes, external }: BundledModel,
  folder: string,
  options: BundleOptions,
  contents: Map<string, Uint8Array>,
): Promise<Model> {
  const scratch = await mkdtemp(join(tmpdir(), 'ballast-bundle-'));
  try {
    const path = join(scratch, 'model.onnx');
    for (const [name, data] of [['model.onnx', bytes] as const, ...external]) {
      await writeFile(join(scratch, plainOf(name)), data);
    }
    const model = await readModelFile(path);
    const feeds = await feedsOf(path, options);
    const rounded = model.graph.nodes.some(({ opType }) =>
      /^(?:DequantizeLinear|QLinear\w+|MatMulInteger)$/.test(opType),
    );
    // Made by the model as it came: what was tidied is held to it.
    const check = await makeCheck(runtime, bytes, feeds, { rounded, externalData: scratch });
    contents.set(`${folder}${CHECK}`, json(check));
    if (options.serverless !== undefined) contents.set(`${folder}model.onnx`, await smallest(runtime, model));
    else {
      contents.set(`${folder}model.onnx`, bytes);
      for (const [name, data] of external) contents.set(`${folder}${name}`, data);
    }
    return model;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

function plainOf(name: string): string {
  if (dirname(name) === '.') return name;
  throw new BallastError(`the model keeps its data in a folder, "${name}"`, {
    code: 'BUNDLE_EXTERNAL',
    remedy: 'Write it again with its data in one file (ballast compress MODEL --method clean --out FILE)',
  });
}

/** The same answers in fewer bytes: clean, one file, nothing that only people or tools read. */
async function smallest(runtime: Runtime, given: Model): Promise<Uint8Array> {
  const { model } = await cleanUp(runtime, given);
  const nodes = model.graph.nodes.map((node) => ({ ...node, name: '' }));
  const graph = { ...model.graph, nodes, valueInfo: new Map() };
  const bytes = writeModel({ ...model, graph, metadata: new Map() });
  if (bytes.length <= FILE_BYTES) return bytes;
  throw new BallastError('a function holds a model of at most 2 GB', { code: 'BUNDLE_TOO_LARGE' });
}

function named(as: string | undefined, { name, version }: BundledModel): readonly [string, string] {
  if (as === undefined) return [name, version];
  const [, own, number] = /^([A-Za-z0-9][A-Za-z0-9._ -]{0,99})\/([A-Za-z0-9][A-Za-z0-9._+-]{0,99})$/.exec(as) ?? [];
  if (own !== undefined && number !== undefined) return [own, number];
  throw new BallastError('this is no name with a version', {
    code: 'USAGE',
    place: '--as',
    value: as,
    remedy: 'Write NAME/VERSION, such as digits/4',
  });
}

/** What the outputs mean. */
function labelsOf(model: Model, { task, classes, output }: BundleOptions) {
  const { graph, metadata } = model;
  return {
    task: task ?? metadata.get('ballast.task') ?? null,
    outputs: graph.outputs.map(({ name, type, shape }) => ({
      name,
      type,
      shape: shape ?? null,
      ...(output?.startsWith(`${name}:`) === true ? { kind: output.slice(name.length + 1) } : {}),
      classes: classes ?? describedClasses(model, name),
    })),
  };
}

/** What has to be done with a request before the model: its inputs, what columns they are, tokenizers, files beside. */
function preprocessingOf({ graph, metadata }: Model, include: readonly string[]) {
  const parsed = (key: string): unknown => JSON.parse(metadata.get(key) ?? 'null');
  return {
    inputs: graph.inputs
      .filter(({ name }) => !graph.initializers.has(name))
      .map(({ name, type, shape }) => ({ name, type, shape: shape ?? null })),
    columns: parsed('ballast.inputs'),
    tokenizers: parsed(TOKENIZERS_KEY),
    files: include.map(included),
  };
}

const json = (value: unknown): Buffer => Buffer.from(`${JSON.stringify(value, null, 1)}\n`);

const included = (file: string): string => `files/${basename(file)}`;

async function readIncluded(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw new BallastError('the file cannot be read', {
      code: 'BUNDLE_INCLUDE',
      kind: 'not-found',
      place: file,
      cause,
    });
  }
}
