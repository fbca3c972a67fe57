import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { WireType } from '@bufbuild/protobuf/wire';
import { modelFault } from './fault.js';

/** Deepest nesting of messages; a nested graph takes three levels. The protobuf runtimes stop at the same depth. */
const MAX_DEPTH = 100;

/** Rough heap cost, in bytes, of what decoding makes out of the wire. */
const COST = { message: 600, bytes: 150, varint: 32, fixed: 8 } as const;

interface FieldPlan {
  readonly wire: WireType;
  readonly packable: boolean;
  /** Descriptor of the nested message. */
  readonly nested?: DescMessage;
}

const plans = new WeakMap<DescMessage, ReadonlyMap<number, FieldPlan>>();

/**
 * Walks the wire format of an untrusted message without allocating: every length stays inside its parent, every field
 * has the wire type of its schema, nesting is bounded, and what decoding would allocate (a byte on the wire can become
 * an object of hundreds) stays within `objectBytes`. Payloads of `bytes` fields are skipped, so a large model costs no
 * more than a small one with as many nodes.
 *
 * @throws BallastError MODEL_MALFORMED, MODEL_TOO_LARGE
 */
export function checkWire(bytes: Uint8Array, schema: DescMessage, objectBytes: number): void {
  new Walk(bytes, objectBytes).message(schema, bytes.length, 0);
}

class Walk {
  private position = 0;
  private cost = 0;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly objectBytes: number,
  ) {}

  message(schema: DescMessage, end: number, depth: number): void {
    if (depth >= MAX_DEPTH) throw this.tooLarge(`messages nest deeper than ${MAX_DEPTH}`);
    this.spend(COST.message);
    const plan = planOf(schema);
    while (this.position < end) {
      const tag = this.varint(end, 5);
      const wire = tag & 7;
      const number = Math.floor(tag / 8);
      if (number === 0) throw this.malformed('a field has number 0');
      const field = plan.get(number);
      if (field !== undefined && wire !== field.wire && !(field.packable && wire === WireType.LengthDelimited)) {
        throw this.malformed(`field ${number} of ${schema.typeName} has wire type ${wire}`);
      }
      this.value(field, wire, end, depth);
    }
  }

  private value(field: FieldPlan | undefined, wire: number, end: number, depth: number): void {
    switch (wire) {
      case WireType.Varint:
        this.varint(end, 10);
        if (field?.packable) this.spend(COST.varint);
        break;
      case WireType.Bit64:
        this.skip(8, end);
        if (field?.packable) this.spend(COST.fixed);
        break;
      case WireType.Bit32:
        this.skip(4, end);
        if (field?.packable) this.spend(COST.fixed);
        break;
      case WireType.LengthDelimited:
        this.delimited(field, this.varint(end, 5), end, depth);
        break;
      default:
        throw this.malformed(`wire type ${wire} is not used by ONNX`);
    }
  }

  private delimited(field: FieldPlan | undefined, length: number, end: number, depth: number): void {
    const start = this.position;
    this.skip(length, end);
    if (field === undefined) return;
    if (field.nested !== undefined) {
      this.position = start;
      this.message(field.nested, start + length, depth + 1);
    } else if (!field.packable) {
      this.spend(COST.bytes);
    } else if (field.wire === WireType.Varint) {
      this.spend(COST.varint * this.countVarints(start, start + length));
    } else {
      const size = field.wire === WireType.Bit32 ? 4 : 8;
      if (length % size !== 0) throw this.malformed(`${length} packed bytes do not hold whole numbers`);
      this.spend(COST.fixed * (length / size));
    }
  }

  private countVarints(start: number, end: number): number {
    let count = 0;
    for (let index = start; index < end; index++) if (this.bytes[index] < 0x80) count++;
    if (end > start && this.bytes[end - 1] >= 0x80) throw this.malformed('a packed number is cut off');
    return count;
  }

  private varint(end: number, maxBytes: number): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < maxBytes; count++) {
      if (this.position >= end) throw this.malformed('the bytes end inside a field');
      const byte = this.bytes[this.position++];
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (maxBytes === 5 && value > 0xffffffff) throw this.malformed('a tag or length does not fit 32 bits');
        return value;
      }
      scale *= 128;
    }
    throw this.malformed('a number is longer than its type');
  }

  private skip(length: number, end: number): void {
    if (length > end - this.position) {
      throw this.malformed(`a field declares ${length} bytes where ${end - this.position} are left`);
    }
    this.position += length;
  }

  private spend(cost: number): void {
    this.cost += cost;
    if (this.cost > this.objectBytes) {
      throw this.tooLarge(`reading it would take more than ${this.objectBytes} bytes of objects`);
    }
  }

  private malformed(what: string): Error {
    return modelFault(
      'MODEL_MALFORMED',
      `byte ${this.position}`,
      `this is not an ONNX model, or a damaged one: ${what}`,
      {
        remedy: 'Check that the file is complete and is an .onnx file.',
      },
    );
  }

  private tooLarge(what: string): Error {
    return modelFault(
      'MODEL_TOO_LARGE',
      `byte ${this.position}`,
      `the model is beyond the limits for reading: ${what}`,
    );
  }
}

function planOf(schema: DescMessage): ReadonlyMap<number, FieldPlan> {
  let plan = plans.get(schema);
  if (plan === undefined) {
    plan = new Map(schema.fields.map((field) => [field.number, planField(field)]));
    plans.set(schema, plan);
  }
  return plan;
}

function planField(field: DescField): FieldPlan {
  switch (field.fieldKind) {
    case 'message':
      return { wire: WireType.LengthDelimited, packable: false, nested: field.message };
    case 'enum':
      return { wire: WireType.Varint, packable: false };
    case 'scalar':
      return { wire: wireOf(field.scalar), packable: false };
    case 'list': {
      if (field.listKind === 'message')
        return { wire: WireType.LengthDelimited, packable: false, nested: field.message };
      const wire = field.listKind === 'enum' ? WireType.Varint : wireOf(field.scalar);
      return { wire, packable: wire !== WireType.LengthDelimited };
    }
    case 'map':
      throw new TypeError(`ONNX has no map fields, yet ${field.name} is one`);
  }
}

function wireOf(scalar: ScalarType): WireType {
  switch (scalar) {
    case ScalarType.DOUBLE:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return WireType.Bit64;
    case ScalarType.FLOAT:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return WireType.Bit32;
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return WireType.LengthDelimited;
    default:
      return WireType.Varint;
  }
}
