import { removeDeadCode } from '../../graph/format/dead-code.js';
import { int, type Model, type Node } from '../../graph/model.js';
import { type Tensor, tensor } from '../../graph/tensor.js';
import { constantsOf, namesFor } from '../graph/uses.js';

/** Constants below this many elements stay: the node that reads them would take more room. */
export const LEAST_ELEMENTS = 64;

/** What storing weights as float16 did. */
export interface Halved {
  readonly model: Model;
  readonly stored: readonly string[];
  /** Constants with values beyond float16 (65,504) that stayed as they are. */
  readonly overflowing: readonly string[];
  /** Values that are 0 now and were not: below 2^-25. */
  readonly vanished: number;
}

/**
 * A model whose float32 constants are stored as float16 and read back by a Cast, which the runtime runs once when it loads
 * the model: half the bytes, and the arithmetic of before. Runs wherever the model ran.
 */
export function storeHalf(model: Model): Halved {
  const { graph } = model;
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const fresh = namesFor(graph);
  const initializers = new Map(graph.initializers);
  const casts: Node[] = [];
  const stored: string[] = [];
  const overflowing: string[] = [];
  let vanished = 0;
  for (const [name, value] of constantsOf(graph)) {
    if (value.type !== 'float32' || value.data.length < LEAST_ELEMENTS || outputs.has(name)) continue;
    const { half, overflows, lost } = toHalf(value);
    if (overflows) {
      overflowing.push(name);
      continue;
    }
    vanished += lost;
    const small = fresh(`${name}.half`);
    initializers.delete(name);
    initializers.set(small, half);
    stored.push(name);
    casts.push({
      name: fresh(`${name}.Cast`),
      opType: 'Cast',
      domain: '',
      inputs: [small],
      outputs: [name],
      attributes: { to: int(1) },
    });
  }
  const halved = removeDeadCode({ ...graph, initializers, nodes: [...casts, ...graph.nodes] });
  return { model: { ...model, graph: halved }, stored, overflowing, vanished };
}

const LARGEST_HALF = 65_504;

function toHalf({ shape, data }: Tensor): { half: Tensor; overflows: boolean; lost: number } {
  const values = data as Float32Array;
  const bits = new Uint16Array(values.length);
  let overflows = false;
  let lost = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    // 65,520 and more would round to infinity.
    if (Number.isFinite(value) && Math.abs(value) >= LARGEST_HALF + 16) overflows = true;
    bits[i] = halfBits(value);
    if (value !== 0 && (bits[i] & 0x7fff) === 0) lost++;
  }
  return { half: tensor('float16', shape, bits), overflows, lost };
}

const view = new DataView(new ArrayBuffer(4));

/** The 16 bits of the float16 nearest to a number, halves to even (IEEE 754). */
export function halfBits(value: number): number {
  view.setFloat32(0, value);
  const word = view.getUint32(0);
  const sign = (word >>> 16) & 0x8000;
  const exponent = (word >>> 23) & 0xff;
  const fraction = word & 0x7fffff;
  if (exponent === 0xff) return sign | 0x7c00 | (fraction === 0 ? 0 : 0x200);
  const shifted = exponent - 112;
  if (shifted >= 31) return sign | 0x7c00;
  if (shifted > 0) return sign + roundedShift((shifted << 23) | fraction, 13);
  if (shifted < -10) return sign;
  return sign + roundedShift(fraction | 0x800000, 14 - shifted);
}

/** value / 2^by, halves to even; a carry moves on into the exponent, as it must. */
function roundedShift(value: number, by: number): number {
  const whole = value >>> by;
  const rest = value & ((1 << by) - 1);
  const half = 1 << (by - 1);
  return rest > half || (rest === half && (whole & 1) === 1) ? whole + 1 : whole;
}
