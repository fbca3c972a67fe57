import type { Rule } from '../finding.js';
import { unrealisticAugmentation } from './augmentation.js';
import { compressionCollapse, rareClassesLost } from './compressed.js';
import { leak, suspectLabels } from './data.js';
import { overfittedTransfer } from './fine-tuning.js';
import { miscalibrated } from './miscalibrated.js';
import { miscalibratedTransfer } from './miscalibrated-transfer.js';
import { moreData } from './more-data.js';
import { overconfidentOutside } from './outside.js';
import { overRegularized } from './over-regularized.js';
import { inputMismatch, mismatchedRegularizer, slowerCompressed } from './production.js';
import { recorded } from './recorded.js';
import { tooSparse } from './sparse.js';
import { diverged, learningRate, notConverged } from './training.js';
import { uncertain } from './uncertain.js';
import { underRegularized } from './under-regularized.js';
import { unrecorded } from './unrecorded.js';
import { unstable } from './unstable.js';
import { varianceShift } from './variance-shift.js';

/** Every rule, in the order in which findings of equal confidence are told. */
export const RULES: readonly Rule[] = [
  leak,
  diverged,
  overRegularized,
  underRegularized,
  learningRate,
  notConverged,
  varianceShift,
  unrealisticAugmentation,
  overfittedTransfer,
  miscalibratedTransfer,
  tooSparse,
  compressionCollapse,
  rareClassesLost,
  mismatchedRegularizer,
  inputMismatch,
  slowerCompressed,
  miscalibrated,
  unstable,
  suspectLabels,
  uncertain,
  overconfidentOutside,
  moreData,
  unrecorded,
  ...recorded,
];
