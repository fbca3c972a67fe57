import type { Attribute, ElementType, Graph, Model, Node, Shape, ValueInfo } from '../model.js';
import type { Tensor } from '../tensor.js';
import { printable } from './printable.js';
import { summarize } from './summarize.js';

/** Longest text of a value or of a list of values. */
const MAX_TEXT = 60;

/** Most elements of a tensor or list that are shown. */
const MAX_ELEMENTS = 6;

/**
 * A model as readable text, one line a node:
 *
 *     model: IR 10, opset 21, made by ballast 0.1.0
 *     407,050 parameters, 1.6 MB, 3 nodes (Gemm 2, Relu 1)
 *     graph mlp
 *       input  x: float32[batch, 784]
 *       output y: float32[batch, 10]
 *       w1: float32[784, 512] = 0.1, -0.25, ...
 *       h = Gemm(x, w1, b1) {transB: 1}
 *
 * Subgraphs follow their node, further in. For people and for diffs; it is not read back.
 */
export function printModel(model: Model): string {
  const { irVersion, opsets, producer, metadata, graph } = model;
  const versions = [...opsets].map(([domain, version]) =>
    domain === '' ? `opset ${version}` : `${domain} ${version}`,
  );
  const maker = [producer.name, producer.version].filter((part) => part !== '').join(' ');
  const lines = [
    `model: ${[`IR ${irVersion}`, ...versions, ...(maker === '' ? [] : [`made by ${text(maker)}`])].join(', ')}`,
  ];
  const { parameters, bytes, nodes, operators } = summarize(model);
  const counts = Object.entries(operators).map(([operator, count]) => `${text(operator)} ${count}`);
  lines.push(`${grouped(parameters)} parameters, ${byteText(bytes)}, ${grouped(nodes)} nodes (${counts.join(', ')})`);
  for (const [key, value] of metadata) lines.push(`${text(key)}: ${text(value)}`.trimEnd());
  printGraph(graph, '', lines);
  return `${lines.join('\n')}\n`;
}

function printGraph(graph: Graph, indent: string, lines: string[]): void {
  lines.push(`${indent}graph ${text(graph.name)}`);
  const inner = `${indent}  `;
  for (const input of graph.inputs) {
    const mark = graph.initializers.has(input.name) ? ' (has a default)' : '';
    lines.push(`${inner}input  ${typed(input)}${mark}`);
  }
  for (const output of graph.outputs) lines.push(`${inner}output ${typed(output)}`);
  for (const [name, tensor] of graph.initializers) lines.push(`${inner}${text(name)}: ${tensorText(tensor)}`);
  for (const node of graph.nodes) printNode(node, inner, lines);
}

function printNode(node: Node, indent: string, lines: string[]): void {
  const operator = node.domain === '' ? node.opType : `${node.domain}::${node.opType}`;
  const attributes: string[] = [];
  const graphs: [string, Graph][] = [];
  for (const [name, attribute] of Object.entries(node.attributes)) {
    if (attribute.kind === 'graph') graphs.push([name, attribute.value]);
    else attributes.push(`${text(name)}: ${attributeText(attribute)}`);
  }
  const name = node.name === '' ? '' : `  # ${text(node.name)}`;
  const settings = attributes.length === 0 ? '' : ` {${attributes.join(', ')}}`;
  lines.push(`${indent}${values(node.outputs)} = ${text(operator)}(${values(node.inputs)})${settings}${name}`);
  for (const [attribute, graph] of graphs) {
    lines.push(`${indent}  ${text(attribute)}:`);
    printGraph(graph, `${indent}    `, lines);
  }
}

function values(names: readonly string[]): string {
  return names.map((name) => (name === '' ? '_' : text(name))).join(', ');
}

function typed({ name, type, shape, container }: ValueInfo): string {
  return `${text(name)}: ${typeText(container ?? { kind: 'tensor', type, shape })}`;
}

function typeText(type: ElementType): string {
  switch (type.kind) {
    case 'tensor':
      return `${type.type}${shapeText(type.shape)}`;
    case 'sequence':
      return `sequence(${typeText(type.element)})`;
    case 'optional':
      return `optional(${typeText(type.element)})`;
    case 'map':
      return `map(${type.key}, ${typeText(type.value)})`;
    case 'unknown':
      return '?';
  }
}

/** `[batch, 3, ?]`; `[...]` where not even the rank is known. */
function shapeText(shape: Shape | undefined): string {
  if (shape === undefined) return '[...]';
  return `[${shape.map((extent) => (extent === null ? '?' : text(String(extent)))).join(', ')}]`;
}

function tensorText({ type, shape, data }: Tensor): string {
  // The 16-bit floats are held as their patterns, which would read like values.
  const content = type === 'float16' || type === 'bfloat16' ? '...' : listText(data);
  return `${type}${shapeText(shape)} = ${content}`;
}

function attributeText(attribute: Exclude<Attribute, { kind: 'graph' }>): string {
  switch (attribute.kind) {
    case 'tensor':
      return tensorText(attribute.value);
    case 'string':
      return `"${text(attribute.value)}"`;
    case 'int':
      return String(attribute.value);
    // Always with a point: the integer 1 and the float 1 are different attributes.
    case 'float':
      return Number.isInteger(attribute.value) ? attribute.value.toFixed(1) : numberText(attribute.value);
    default:
      return `[${listText(attribute.value)}]`;
  }
}

function listText(list: ArrayLike<number | bigint | string>): string {
  const shown = Array.from({ length: Math.min(list.length, MAX_ELEMENTS) }, (_, index) => {
    const element = list[index];
    if (typeof element === 'string') return `"${text(element)}"`;
    return typeof element === 'number' ? numberText(element) : String(element);
  });
  if (list.length > MAX_ELEMENTS) shown.push('...');
  return shown.join(', ');
}

function numberText(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6)));
}

function text(value: string): string {
  return printable(value, MAX_TEXT);
}

function grouped(value: number): string {
  return value.toLocaleString('en-US');
}

function byteText(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB'];
  const power = bytes < 1000 ? 0 : Math.min(3, Math.floor(Math.log10(bytes) / 3));
  return `${power === 0 ? bytes : (bytes / 1000 ** power).toFixed(1)} ${units[power]}`;
}
