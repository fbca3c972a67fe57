import { BallastError } from '../errors.js';
import type { Model } from '../graph/model.js';
import type { Runtime } from '../graph/runtime/runtime.js';
import type { Batches } from './observe/activations.js';
import { nearness, parityOf } from './observe/parity.js';
import { type AdaptiveRounding, roundAdaptively } from './quantize/adaptive-rounding.js';
import { type BiasShifts, biasShifts } from './quantize/bias-correction.js';
import { quantizeDynamic } from './quantize/dynamic.js';
import { equalizeLayers } from './quantize/equalize.js';
import type { QuantizedWeight } from './quantize/grid.js';
import { LEAST_ELEMENTS, storeHalf } from './quantize/half.js';
import { planQuantization } from './quantize/plan.js';
import type { RangeMethod } from './quantize/ranges.js';
import { type LayerSensitivity, mixedPrecision } from './quantize/sensitivity.js';
import { smoothActivations } from './quantize/smooth.js';
import { type Quantized, quantizeStatic, type Seen, seeActivations } from './quantize/static.js';
import { quantizeTables } from './quantize/tables.js';

export const CONVERSIONS = ['clean', 'dynamic-int8', 'static-int8', 'fp16'] as const;
export type Conversion = (typeof CONVERSIONS)[number];

export interface ConvertOptions {
  readonly method: Conversion;
  /** `auto`: whichever of several is nearest to the original on the calibration rows. */
  readonly calibration: RangeMethod | 'auto';
  readonly perChannel: boolean;
  readonly symmetric: boolean;
  readonly reducedRange: boolean;
  /** Take the mean error of rounded weights off the biases; `auto` finds out by itself whether that helps. */
  readonly correctBias?: boolean;
  /** `adaptive`: weights up or down, whichever changes the layer's outputs least; `static-int8`. */
  readonly rounding?: 'nearest' | 'adaptive';
  /** Equalise the ranges of channels across layers first; `static-int8`. */
  readonly equalize?: boolean;
  /** Move outliers of activations into weights first, by this exponent (0.5); `static-int8`. */
  readonly smooth?: number | undefined;
  /** Leave the most sensitive layers in floating point until the outputs keep so many dB; `static-int8`. */
  readonly leastSqnrDb?: number | undefined;
  readonly exclude: ReadonlySet<string>;
  readonly signal?: AbortSignal | undefined;
  readonly tell?: ((doing: string) => void) | undefined;
}

/** Whether a conversion needs operators of a recent opset: scales along an axis. */
export function needsUpgrade(method: Conversion): boolean {
  return method === 'static-int8' || method === 'dynamic-int8';
}

/** A converted model and what was done, for the record and for people. */
export interface Converted {
  readonly model: Model;
  /** Nodes that were converted, by name; constants for fp16. */
  readonly converted: readonly string[];
  /** What should be known of it. */
  readonly notes: readonly string[];
  /** Of each layer, where it was asked after. */
  readonly sensitivity?: readonly LayerSensitivity[];
}

/**
 * Converts a prepared model in one way.
 *
 * @param batches rows to calibrate on; only `static-int8` needs them
 * @throws BallastError COMPRESS_DATA, COMPRESS_NOTHING, COMPRESS_EXCLUDE
 */
export async function convert(
  runtime: Runtime,
  model: Model,
  batches: Batches | undefined,
  options: ConvertOptions,
): Promise<Converted> {
  refuseUnknown(model, options.exclude);
  const { method } = options;
  switch (method) {
    case 'clean':
      return { model, converted: [], notes: [] };
    case 'fp16': {
      const { model: halved, stored, overflowing, vanished } = storeHalf(model);
      if (stored.length === 0) throw nothing(method, `weights of ${LEAST_ELEMENTS} numbers of float32 or more`);
      return {
        model: halved,
        converted: stored,
        notes: [
          'weights are stored as float16; the arithmetic is that of before, and so is the speed',
          ...(overflowing.length === 0 ? [] : [`beyond float16 and kept: ${overflowing.join(', ')}`]),
          ...(vanished === 0 ? [] : [`${vanished} weights below 2^-25 are 0 now`]),
        ],
      };
    }
    case 'dynamic-int8': {
      const { model: quantized, layers } = quantizeDynamic(model, options);
      if (layers.length === 0) throw nothing(method, 'matrix products or tables with constant weights');
      return { model: quantized, converted: layers, notes: notesOf(options) };
    }
    case 'static-int8': {
      if (batches === undefined) {
        throw new BallastError('static quantization needs rows to calibrate on', {
          code: 'COMPRESS_DATA',
          remedy: 'Add --data SOURCE, some hundred representative rows; or use dynamic-int8, which needs none',
        });
      }
      return convertStatic(runtime, model, batches, options);
    }
  }
}

async function convertStatic(
  runtime: Runtime,
  given: Model,
  batches: Batches,
  options: ConvertOptions,
): Promise<Converted> {
  const { equalize, smooth, leastSqnrDb, signal, tell } = options;
  const notes: string[] = [];
  let model = given;
  if (equalize === true) {
    const { model: equal, pairs } = equalizeLayers(model);
    model = equal;
    notes.push(`${pairs} pairs of layers equalised`);
  }
  if (smooth !== undefined) {
    const { model: smoothed, places } = await smoothActivations(runtime, model, batches, { alpha: smooth, signal });
    model = smoothed;
    notes.push(`activations smoothed behind ${places} normalizations`);
  }
  const { model: tabled, tables } = quantizeTables(model, options.exclude);
  model = tabled;
  if (tables.length + planQuantization(model.graph, options).layers.length === 0)
    throw nothing('static-int8', PRODUCTS);
  const seen = await seeActivations(runtime, model, batches, {
    exclude: options.exclude,
    calibration: options.calibration,
    signal,
    tell: (count) => tell?.(`calibrating, batch ${count}`),
  });
  let { exclude } = options;
  let sensitivity: LayerSensitivity[] | undefined;
  if (leastSqnrDb !== undefined) {
    const range = options.calibration === 'auto' ? 'min-max' : options.calibration;
    const settings = { ...options, calibration: range, tell: undefined };
    const mixed = await mixedPrecision(runtime, model, { seen, batches, options: settings }, leastSqnrDb);
    ({ exclude, sensitivity } = mixed);
    const kept = [...exclude];
    notes.push(kept.length === 0 ? 'no layer has to stay in floating point' : `in floating point: ${kept.join(', ')}`);
  }
  let rounded: ReadonlyMap<string, QuantizedWeight> | undefined;
  if (options.rounding === 'adaptive') {
    const adaptive = await roundAdaptively(runtime, model, batches, { ...options, exclude });
    ({ rounded } = adaptive);
    notes.push(adaptiveNote(adaptive));
  }
  const {
    model: quantized,
    layers,
    chosen,
  } = await bestStatic(runtime, model, { seen, batches, rounded }, { ...options, exclude });
  if (layers.length + tables.length === 0) throw nothing('static-int8', PRODUCTS);
  if (options.calibration === 'auto') notes.push(`of several calibrations ${chosen} is nearest to the original`);
  return {
    model: quantized,
    converted: [...layers, ...tables],
    notes: [...notes, ...notesOf(options)],
    ...(sensitivity === undefined ? {} : { sensitivity }),
  };
}

/** What static quantization is for. */
const PRODUCTS = 'convolutions or matrix products of float32 to round';

/** What `auto` tries: the ranges of activations, without and with the mean error of the rounded weights taken off biases. */
const TRIED: readonly { readonly range: RangeMethod; readonly corrected: boolean }[] = [
  { range: 'min-max', corrected: false },
  { range: 'mse', corrected: false },
  { range: 'percentile', corrected: false },
  { range: 'min-max', corrected: true },
  { range: 'mse', corrected: true },
];

async function bestStatic(
  runtime: Runtime,
  model: Model,
  {
    seen,
    batches,
    rounded,
  }: {
    readonly seen: Seen;
    readonly batches: Batches;
    readonly rounded: ReadonlyMap<string, QuantizedWeight> | undefined;
  },
  { calibration, correctBias, signal, tell, ...given }: ConvertOptions,
): Promise<Quantized & { readonly chosen: string }> {
  const options = { ...given, rounded };
  const shifts = async (): Promise<BiasShifts> => biasShifts(runtime, model, batches, { ...options, signal });
  if (calibration !== 'auto') {
    const made = quantizeStatic(model, seen, {
      ...options,
      calibration,
      shifts: correctBias ? await shifts() : undefined,
    });
    return { ...made, chosen: calibration };
  }
  let best: (Quantized & { readonly chosen: string; readonly distance: number }) | undefined;
  const known = await shifts();
  for (const { range, corrected } of TRIED) {
    tell?.(`${range}${corrected ? ', biases corrected' : ''}`);
    const made = quantizeStatic(model, seen, { ...options, calibration: range, shifts: corrected ? known : undefined });
    const distance = nearness(await parityOf(runtime, model, made.model, batches, signal));
    if (best === undefined || distance > best.distance) {
      best = { ...made, chosen: corrected ? `${range} with corrected biases` : range, distance };
    }
  }
  return best!;
}

function adaptiveNote({ errors, left }: AdaptiveRounding): string {
  const sum = (which: 'nearest' | 'adaptive'): number =>
    [...errors.values()].reduce((all, each) => all + each[which], 0);
  const share = sum('nearest') === 0 ? 0 : 1 - sum('adaptive') / sum('nearest');
  const rest = left.length === 0 ? '' : `; to the nearest, for their many inputs: ${left.join(', ')}`;
  return `weights rounded adaptively: ${(100 * share).toFixed(0)} % less squared error behind ${errors.size} layers${rest}`;
}

function notesOf({ reducedRange }: ConvertOptions): string[] {
  return reducedRange ? ['weights keep to 7 bits: this processor adds 8-bit products in 16 bits'] : [];
}

function nothing(method: string, what: string): BallastError {
  return new BallastError(`the model has no ${what}`, {
    code: 'COMPRESS_NOTHING',
    remedy: `${method} has nothing to convert; ballast compress --method clean may still help`,
  });
}

function refuseUnknown({ graph }: Model, exclude: ReadonlySet<string>): void {
  const unknown = [...exclude].find((name) => !graph.nodes.some((node) => node.name === name));
  if (unknown === undefined) return;
  throw new BallastError(`the model has no node "${unknown}" to leave out`, {
    code: 'COMPRESS_EXCLUDE',
    remedy: `Nodes are named as the clean model names them: ballast compress MODEL --method clean --out FILE writes it`,
  });
}
