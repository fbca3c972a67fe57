import { removeDeadCode } from '../../graph/format/dead-code.js';
import type { Model, Node } from '../../graph/model.js';
import type { Tensor } from '../../graph/tensor.js';
import { constantsOf, namesFor } from '../graph/uses.js';
import { quantizeWeight } from './grid.js';

/** Tables below this many bytes are not worth a node. */
const LEAST_TABLE = 4096;

/** The table that a node gathers rows from, where it is a constant of floats. */
function tableOf(
  { opType, domain, inputs, attributes }: Node,
  constants: ReadonlyMap<string, Tensor>,
): { name: string; value: Tensor } | undefined {
  const value = opType === 'Gather' && domain === '' ? constants.get(inputs[0]) : undefined;
  if (value?.type !== 'float32' || value.shape.length !== 2) return undefined;
  const axis = attributes.axis?.kind === 'int' ? attributes.axis.value : 0;
  const large = (value.data as Float32Array).byteLength >= LEAST_TABLE;
  return axis === 0 && large ? { name: inputs[0], value } : undefined;
}

/**
 * A model whose tables that rows are gathered from (embeddings) are stored in 8 bits, with one scale a table; the rows that
 * are picked are floats again. Needs no data.
 *
 * @returns the nodes that gather, by name
 */
export function quantizeTables(model: Model, exclude?: ReadonlySet<string>): { model: Model; tables: string[] } {
  const { graph } = model;
  const fresh = namesFor(graph);
  const constants = constantsOf(graph);
  const initializers = new Map(graph.initializers);
  const stored = new Map<string, readonly [values: string, scale: string]>();
  const tables: string[] = [];
  const nodes = graph.nodes.flatMap((node): Node[] => {
    const table = exclude?.has(node.name) === true ? undefined : tableOf(node, constants);
    if (table === undefined) return [node];
    const { name, value } = table;
    let names = stored.get(name);
    if (names === undefined) {
      const { values, scale } = quantizeWeight(value, { axis: undefined, largest: 127 });
      names = [fresh(`${name}.quantized`), fresh(`${name}.scale`)];
      initializers.set(names[0], values).set(names[1], scale);
      stored.set(name, names);
    }
    tables.push(node.name);
    const picked = fresh(`${node.outputs[0]}.quantized`);
    return [
      { ...node, inputs: [names[0], node.inputs[1]], outputs: [picked] },
      {
        name: fresh(`${node.outputs[0]}.DequantizeLinear`),
        opType: 'DequantizeLinear',
        domain: '',
        inputs: [picked, names[1]],
        outputs: node.outputs,
        attributes: {},
      },
    ];
  });
  return { model: { ...model, graph: removeDeadCode({ ...graph, nodes, initializers }) }, tables };
}
