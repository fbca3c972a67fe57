import { isAbsolute, resolve } from 'node:path';
import type { NetworkInput, Preprocessor } from '../data/preprocess/preprocessor.js';
import type { Tokenizer } from '../data/tokenizer.js';
import { readModelFile } from '../graph/format/file.js';
import { normalize } from '../graph/format/normalize.js';
import type { Graph } from '../graph/model.js';
import { upgrade } from '../graph/upgrade/index.js';
import { buildModel } from '../models/build.js';
import { adoptModel } from '../models/foreign.js';
import type { ModelInput } from '../models/inputs.js';
import type { InputDescription } from '../regularizers/regularizer.js';
import type { ResolvedSpec } from './read.js';
import type { ColumnTokenizer } from './tokens.js';

/** The network of a spec with its initial weights: built, or read from a file. */
export async function networkOf(
  { spec, baseDirectory }: ResolvedSpec,
  preprocessor: Preprocessor,
  tokenizers: readonly ColumnTokenizer[],
  seed: number,
): Promise<Graph> {
  const { inputs, outputs } = portsOf(preprocessor, tokenizers);
  if (spec.model.type !== 'onnx') return buildModel(spec.model, { inputs, outputs, seed });
  const path = isAbsolute(spec.model.path) ? spec.model.path : resolve(baseDirectory, spec.model.path);
  const model = upgrade(normalize(await readModelFile(path)));
  return adoptModel(model, {
    inputs,
    outputs,
    output: spec.model.output,
    path,
    ...(spec.model.head === 'new' ? { newHead: seed } : {}),
  });
}

/** Builds the network of a spec with the initial weights of any seed; undefined where a file gives them. */
export function drawNetwork(
  { spec: { model } }: Pick<ResolvedSpec, 'spec'>,
  preprocessor: Preprocessor,
  tokenizers: readonly ColumnTokenizer[],
): ((seed: number) => Graph) | undefined {
  if (model.type === 'onnx') return undefined;
  return (seed) => buildModel(model, { ...portsOf(preprocessor, tokenizers), seed });
}

function portsOf(
  { outputs, classes }: Preprocessor,
  tokenizers: readonly ColumnTokenizer[],
): { readonly inputs: readonly ModelInput[]; readonly outputs: number } {
  const inputs = outputs.map((input): ModelInput => {
    const found = tokenizerOf(input, tokenizers);
    return found === undefined ? input : { ...input, vocabulary: found.size };
  });
  return { inputs, outputs: classes?.length ?? 1 };
}

/** The network's inputs as regularizers see them: with the special tokens of texts. */
export function describedInputs(
  { outputs }: Preprocessor,
  tokenizers: readonly ColumnTokenizer[],
): readonly (NetworkInput & Pick<InputDescription, 'special'>)[] {
  return outputs.map((input) => {
    const found = tokenizerOf(input, tokenizers);
    return found === undefined ? input : { ...input, special: { padding: found.padding, mask: found.mask } };
  });
}

/** One token column is called `tokens`, one of several `tokens.<column>`. */
function tokenizerOf({ content, name }: NetworkInput, tokenizers: readonly ColumnTokenizer[]): Tokenizer | undefined {
  if (content !== 'tokens') return undefined;
  return tokenizers.find(({ column }) => name === 'tokens' || name === `tokens.${column}`)?.tokenizer;
}
