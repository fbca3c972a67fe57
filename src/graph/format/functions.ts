import type { FunctionProto, GraphProto, ModelProto, NodeProto } from 'onnx-buf';
import type { Node } from '../model.js';
import { type DecodeContext, decodeAttributes, decodeNodes } from './decode-graph.js';
import { modelFault, nodePlace, quote } from './fault.js';
import { freshNames } from './fresh-names.js';
import { decodeOpsets, plainDomain } from './opset-import.js';

/** Deepest nesting of calls. */
const MAX_CALLS = 64;

/** Replaces calls of model-local functions by their bodies while a model is decoded. */
export interface FunctionInliner {
  /**
   * The nodes that a call stands for; undefined where the node is no call of a model-local function. Values inside the
   * body get names that nothing else in the model has; nodes are named `call/node`.
   *
   * @throws BallastError MODEL_CYCLE (functions that call each other), MODEL_TOO_LARGE, MODEL_OPSET
   */
  inline(call: NodeProto, node: Node, context: DecodeContext): Node[] | undefined;
  /** Counts parts that inlining adds. @throws BallastError MODEL_TOO_LARGE */
  spend(parts: number): void;
  /** Domains that only functions have. */
  readonly domains: ReadonlySet<string>;
}

/**
 * @param opsets imports of the model; those of the functions that are used are added
 * @param maxParts bound on nodes, names and attributes that inlining may add
 */
export function functionInliner(model: ModelProto, opsets: Map<string, number>, maxParts: number): FunctionInliner {
  const functions = new Map(model.functions.map((body) => [keyOf(body.domain, body.name, body.overload), body]));
  const used = new Set<string>();
  if (functions.size > 0 && model.graph !== undefined) collectNames(model.graph, used);
  const fresh = freshNames(used);
  const active: FunctionProto[] = [];
  let parts = 0;

  return {
    domains: new Set(model.functions.map((body) => plainDomain(body.domain))),
    spend(count) {
      parts += count;
      if (parts > maxParts) {
        throw modelFault(
          'MODEL_TOO_LARGE',
          'functions',
          `inlining the model's functions adds more than ${maxParts} parts`,
        );
      }
    },
    inline(call, node, context) {
      if (functions.size === 0) return undefined;
      const body = functions.get(keyOf(call.domain, call.opType, call.overload));
      if (body === undefined) return undefined;
      const place = nodePlace(node);
      if (active.includes(body)) throw modelFault('MODEL_CYCLE', place, `function ${quote(body.name)} calls itself`);
      if (active.length >= MAX_CALLS) {
        throw modelFault('MODEL_TOO_LARGE', place, `functions call each other more than ${MAX_CALLS} deep`);
      }
      importOpsets(body, opsets);
      active.push(body);
      const nodes = expand(body, node, place, context, fresh);
      active.pop();
      return nodes;
    },
  };
}

function expand(
  body: FunctionProto,
  call: Node,
  place: string,
  context: DecodeContext,
  fresh: (wanted: string) => string,
): Node[] {
  if (call.inputs.length > body.input.length || call.outputs.length > body.output.length) {
    throw modelFault('MODEL_INVALID', place, `function ${quote(body.name)} is called with too many inputs or outputs`);
  }
  const prefix = `${call.name === '' ? body.name : call.name}/`;
  const names = new Map<string, string>(body.input.map((name, index) => [name, call.inputs[index] ?? '']));
  const copies: Node[] = [];
  body.output.forEach((name, index) => {
    const result = call.outputs[index] ?? '';
    if (result === '') return;
    // An output that is an input as well, or is given twice, needs a node of its own.
    if (!names.has(name)) names.set(name, result);
    else
      copies.push({ ...IDENTITY, name: fresh(`${prefix}${name}`), inputs: [names.get(name) ?? ''], outputs: [result] });
  });
  const rename = (name: string): string => {
    if (name === '') return '';
    let renamed = names.get(name);
    if (renamed === undefined) {
      renamed = fresh(prefix + name);
      names.set(name, renamed);
    }
    return renamed;
  };
  const defaults = decodeAttributes(body.attributeProto, `function ${quote(body.name)}`, context);
  const bindings = { ...defaults, ...call.attributes };
  return [...decodeNodes(body.node, { ...context, bindings, rename, prefix }), ...copies];
}

const IDENTITY = { opType: 'Identity', domain: '', attributes: {} };

function keyOf(domain: string, name: string, overload: string): string {
  return JSON.stringify([plainDomain(domain), name, overload]);
}

function importOpsets(body: FunctionProto, opsets: Map<string, number>): void {
  const place = `function ${quote(body.name)}`;
  for (const [domain, version] of decodeOpsets(body.opsetImport, place)) {
    const known = opsets.get(domain);
    if (known !== undefined && known !== version) {
      throw modelFault(
        'MODEL_OPSET',
        place,
        `needs version ${version} of the operators ${quote(domain)}, and the model imports version ${known}`,
        { remedy: 'Convert the model to one version, or inline its functions, with the exporter or the onnx package.' },
      );
    }
    opsets.set(domain, version);
  }
}

function collectNames(graph: GraphProto, names: Set<string>): void {
  for (const { name } of [...graph.input, ...graph.output, ...graph.initializer]) names.add(name);
  for (const { values } of graph.sparseInitializer) names.add(values?.name ?? '');
  for (const node of graph.node) {
    for (const name of [...node.input, ...node.output]) names.add(name);
    for (const attribute of node.attribute) {
      if (attribute.g !== undefined) collectNames(attribute.g, names);
    }
  }
}
