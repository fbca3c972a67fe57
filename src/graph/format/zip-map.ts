import type { Dimension, Graph, Model, Node, ValueInfo } from '../model.js';

/** Metadata key under which a model's classes travel: a JSON array of strings or numbers, in the order of columns. */
export const CLASSES_KEY = 'ballast.classes';

type Classes = readonly (string | number)[];

/**
 * Removes scikit-learn's ZipMap nodes at the outputs of a model: the output becomes the tensor of probabilities,
 * float32 [rows, classes], under the same name, and the classes go into the metadata as {@link CLASSES_KEY}. Where
 * several outputs have different classes, that is an object from output to classes.
 */
export function removeZipMap(model: Model): Model {
  const { graph } = model;
  const outputs = new Set(graph.outputs.map((output) => output.name));
  const classesOf = new Map<string, Classes>();
  const types = new Map<string, ValueInfo>();
  const nodes = graph.nodes.map((node): Node => {
    const classes = zipMapClasses(node);
    const [output] = node.outputs;
    if (classes === undefined || !outputs.has(output)) return node;
    classesOf.set(output, classes);
    types.set(output, {
      name: output,
      type: 'float32',
      shape: [rowsOf(graph, node.inputs[0]), classes.length],
    });
    return { ...node, opType: 'Identity', domain: '', attributes: {} };
  });
  if (classesOf.size === 0) return model;
  const opsets = new Map(model.opsets);
  // Identity exists since version 1 of the default domain, which a purely classical model may not import.
  if (!opsets.has('')) opsets.set('', 1);
  return {
    ...model,
    opsets,
    graph: { ...graph, nodes, outputs: graph.outputs.map((output) => types.get(output.name) ?? output) },
    metadata: new Map(model.metadata).set(CLASSES_KEY, describeClasses(classesOf)),
  };
}

function zipMapClasses(node: Node): Classes | undefined {
  if (node.opType !== 'ZipMap' || node.domain !== 'ai.onnx.ml' || node.inputs.length !== 1) return undefined;
  const { classlabels_strings: text, classlabels_int64s: numbers } = node.attributes;
  if (text?.kind === 'strings' && text.value.length > 0) return text.value;
  return numbers?.kind === 'ints' ? numbers.value : undefined;
}

function rowsOf(graph: Graph, name: string): Dimension {
  return graph.valueInfo.get(name)?.shape?.[0] ?? null;
}

function describeClasses(classesOf: ReadonlyMap<string, Classes>): string {
  const texts = new Set([...classesOf.values()].map((classes) => JSON.stringify(classes)));
  const [first] = texts;
  return texts.size === 1 ? first : JSON.stringify(Object.fromEntries(classesOf));
}
