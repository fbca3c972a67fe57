import type { Conversion } from '../compression/convert.js';
import type { Criterion } from '../compression/prune/importance.js';
import type { RangeMethod } from '../compression/quantize/ranges.js';
import type { DetectorOptions } from './detector-options.js';

/** What `ballast compress` takes. */
export interface CompressOptions extends DetectorOptions {
  method?: Conversion | 'prune' | 'drop' | 'sparsify';
  ratio: number;
  out?: string;
  calibration: RangeMethod | 'auto';
  correctBias?: boolean;
  rounding: 'nearest' | 'adaptive';
  equalize?: boolean;
  smooth?: number;
  leastSqnr?: number;
  perTensor?: boolean;
  symmetric?: boolean;
  range: 'auto' | 'full' | 'reduced';
  exclude: string[];
  rows: number;
  judge?: string;
  constraint: string[];
  quick?: boolean;
  student: string[];
  epochs?: number;
  learningRate: number;
  batchSize: number;
  teacherShare: number;
  teacherFeatures: number;
  classWeighted?: boolean;
  classOffsets: boolean;
  shown?: boolean;
  weightDecay: number;
  criterion?: Criterion;
}

/** Options of int8 alone. */
export const OF_ROUNDING = [
  'perTensor',
  'symmetric',
  'correctBias',
  'rounding',
  'equalize',
  'smooth',
  'leastSqnr',
  'exclude',
] as const;
