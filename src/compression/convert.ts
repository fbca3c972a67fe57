import { BallastError } from '../errors.js';
import type { Model } from '../graph/model.js';
import type { Runtime } from '../graph/runtime/runtime.js';
import type { Batches } from './observe/activations.js';
import { type Parity, parityOf } from './observe/parity.js';
import { type BiasShifts, biasShifts } from './quantize/bias-correction.js';
import { quantizeDynamic } from './quantize/dynamic.js';
import { storeHalf } from './quantize/half.js';
import type { RangeMethod } from './quantize/ranges.js';
import { type Quantized, quantizeStatic, seeActivations } from './quantize/static.js';

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
      if (stored.length === 0) throw nothing(method, 'weights of float32');
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
      const { model: quantized, layers, chosen } = await bestStatic(runtime, model, batches, options);
      if (layers.length === 0) throw nothing(method, 'convolutions or matrix products of float32');
      const how =
        options.calibration === 'auto' ? [`of several calibrations ${chosen} is nearest to the original`] : [];
      return { model: quantized, converted: layers, notes: [...how, ...notesOf(options)] };
    }
  }
}

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
  batches: Batches,
  { calibration, correctBias, signal, tell, ...options }: ConvertOptions,
): Promise<Quantized & { readonly chosen: string }> {
  const { exclude } = options;
  const seen = await seeActivations(runtime, model, batches, {
    exclude,
    signal,
    tell: (count) => tell?.(`calibrating, batch ${count}`),
  });
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

/** Mean signal to noise over the outputs, dB. */
function nearness(parity: Parity): number {
  const all = Object.values(parity).map(({ sqnrDb, notFinite }) => (notFinite > 0 ? -1e3 : (sqnrDb ?? 200)));
  return all.reduce((sum, value) => sum + value, 0) / Math.max(1, all.length);
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
