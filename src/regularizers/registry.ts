import { BallastError } from '../errors.js';
import { activationNoise } from './activation-noise/index.js';
import { activationPenalty } from './activation-penalty/index.js';
import { adversarialTraining } from './adversarial-training/index.js';
import { audioAugmentation } from './audio-augmentation/index.js';
import { augmix } from './augmix/index.js';
import { bootstrapping } from './bootstrapping/index.js';
import { coTeaching } from './co-teaching/index.js';
import { confidencePenalty } from './confidence-penalty/index.js';
import { coral } from './coral/index.js';
import { cutmix } from './cutmix/index.js';
import { cvar } from './cvar/index.js';
import { demographicParity } from './demographic-parity/index.js';
import { distillation } from './distillation/index.js';
import { domainAdversarial } from './domain-adversarial/index.js';
import { dropout } from './dropout/index.js';
import { earlyStopping } from './early-stopping/index.js';
import { elasticNet } from './elastic-net/index.js';
import { ema } from './ema/index.js';
import { ensemble } from './ensemble/index.js';
import { equalizedOdds } from './equalized-odds/index.js';
import { ewc } from './ewc/index.js';
import { focal } from './focal/index.js';
import { freezing } from './freezing/index.js';
import { fusedLasso } from './fused-lasso/index.js';
import { gaussianCopula } from './gaussian-copula/index.js';
import { gce } from './gce/index.js';
import { gradientNoise } from './gradient-noise/index.js';
import { gradientPenalty } from './gradient-penalty/index.js';
import { groupDro } from './group-dro/index.js';
import { groupLasso } from './group-lasso/index.js';
import { hypergradient } from './hypergradient/index.js';
import { imageAugmentation } from './image-augmentation/index.js';
import { importanceWeighting } from './importance-weighting/index.js';
import { inputNoise } from './input-noise/index.js';
import { irm } from './irm/index.js';
import { l1 } from './l1/index.js';
import { l2 } from './l2/index.js';
import { l2Sp } from './l2-sp/index.js';
import { labelSmoothing } from './label-smoothing/index.js';
import { laplace } from './laplace/index.js';
import { layerWiseRates } from './layer-wise-rates/index.js';
import { learningWithoutForgetting } from './learning-without-forgetting/index.js';
import { manifoldMixup } from './manifold-mixup/index.js';
import { maxNorm } from './max-norm/index.js';
import { mcDropout } from './mc-dropout/index.js';
import { mixedPrecision } from './mixed-precision/index.js';
import { mixup } from './mixup/index.js';
import { mmd } from './mmd/index.js';
import { nuclearNorm } from './nuclear-norm/index.js';
import { orthogonality } from './orthogonality/index.js';
import { prior } from './prior/index.js';
import { pruning } from './pruning/index.js';
import { pseudoLabels } from './pseudo-labels/index.js';
import { quantizationAware } from './quantization-aware/index.js';
import { randAugment } from './rand-augment/index.js';
import type { Regularizer } from './regularizer.js';
import { replay } from './replay/index.js';
import { sam } from './sam/index.js';
import { sampleReweighting } from './sample-reweighting/index.js';
import { seriesAugmentation } from './series-augmentation/index.js';
import { smallLoss } from './small-loss/index.js';
import { smote } from './smote/index.js';
import { specAugment } from './spec-augment/index.js';
import { spectralNorm } from './spectral-norm/index.js';
import { stochasticDepth } from './stochastic-depth/index.js';
import { swa } from './swa/index.js';
import { swag } from './swag/index.js';
import { synapticIntelligence } from './synaptic-intelligence/index.js';
import { tabularAugmentation } from './tabular-augmentation/index.js';
import { testTimeAugmentation } from './test-time-augmentation/index.js';
import { textAugmentation } from './text-augmentation/index.js';
import { trades } from './trades/index.js';
import { variational } from './variational/index.js';
import { virtualAdversarialTraining } from './virtual-adversarial/index.js';
import { weightDecay } from './weight-decay/index.js';
import { weightNoise } from './weight-noise/index.js';
import { weightTying } from './weight-tying/index.js';

/** Erases the options' type: the registry hands options of a regularizer only to that regularizer. */
const entry = <Options>(regularizer: Regularizer<Options>): Regularizer => regularizer as Regularizer;

/** Every regularizer, in the order in which those of one hook are applied. */
const REGULARIZERS: readonly Regularizer[] = [
  // architecture
  entry(weightTying),
  // architecture: several networks come after what changes one
  entry(ensemble),
  entry(coTeaching),
  // examples: rows made of real rows
  entry(gaussianCopula),
  entry(smote),
  // batch: first what makes new examples, then what blends them
  entry(imageAugmentation),
  entry(randAugment),
  entry(augmix),
  entry(tabularAugmentation),
  entry(seriesAugmentation),
  entry(audioAugmentation),
  entry(textAugmentation),
  entry(inputNoise),
  entry(mixup),
  entry(cutmix),
  entry(manifoldMixup),
  // weight
  entry(spectralNorm),
  entry(weightNoise),
  // batch: last what attacks it
  entry(adversarialTraining),
  // weight: last what removes, then what rounds
  entry(pruning),
  entry(quantizationAware),
  entry(mixedPrecision),
  // spectrogram
  entry(specAugment),
  // forward
  entry(dropout),
  entry(stochasticDepth),
  entry(activationNoise),
  // targets
  entry(labelSmoothing),
  // losses: what replaces them first, then what blends them
  entry(focal),
  entry(gce),
  entry(bootstrapping),
  // losses: last what blends in a teacher
  entry(distillation),
  // objective: of predictions and activations, then of weights
  entry(confidencePenalty),
  entry(gradientPenalty),
  entry(activationPenalty),
  entry(orthogonality),
  entry(nuclearNorm),
  // objective: passes over perturbed batches
  entry(trades),
  entry(virtualAdversarialTraining),
  // weights of rows: first those known before, then those that follow from losses
  entry(sampleReweighting),
  entry(smallLoss),
  entry(cvar),
  entry(groupDro),
  // objective, decay, proximal: decay before thresholds, so that zeros stay zeros; differences before single weights before
  // whole units, which is the proximal step of their sum (Friedman et al., 2007 and 2010); constraints last, so that they hold
  entry(l2),
  entry(prior),
  entry(l2Sp),
  entry(weightDecay),
  entry(fusedLasso),
  entry(elasticNet),
  entry(l1),
  entry(groupLasso),
  entry(maxNorm),
  // objective: domains alike
  entry(coral),
  entry(mmd),
  entry(domainAdversarial),
  entry(irm),
  // objective: groups alike
  entry(demographicParity),
  entry(equalizedOdds),
  entry(importanceWeighting),
  entry(pseudoLabels),
  // objective and rows: what earlier tasks have taught
  entry(replay),
  entry(learningWithoutForgetting),
  entry(ewc),
  entry(synapticIntelligence),
  // rates of layers
  entry(freezing),
  entry(layerWiseRates),
  // gradients: the second pass, then noise
  entry(sam),
  entry(gradientNoise),
  // averages of weights
  entry(ema),
  entry(swa),
  // predictions by several networks
  entry(mcDropout),
  entry(laplace),
  entry(swag),
  entry(variational),
  // predictions for several views: of whatever network there is by then
  entry(testTimeAugmentation),
  // strengths of others
  entry(hypergradient),
  // after the epoch
  entry(earlyStopping),
];

/** All regularizers, in order of application. */
export function listRegularizers(): readonly Regularizer[] {
  return REGULARIZERS;
}

/** Place of a regularizer in the order of application. */
export function orderOf(type: string): number {
  return REGULARIZERS.findIndex((regularizer) => regularizer.type === type);
}

/** The regularizer of that name. @throws BallastError REGULARIZER_UNKNOWN listing the known ones. */
export function regularizerOf(type: string, place?: string): Regularizer {
  const found = REGULARIZERS.find((regularizer) => regularizer.type === type);
  if (found === undefined) {
    throw new BallastError(`there is no regularizer "${type}"`, {
      code: 'REGULARIZER_UNKNOWN',
      ...(place === undefined ? {} : { place }),
      remedy: `Known: ${REGULARIZERS.map((regularizer) => regularizer.type)
        .sort()
        .join(', ')}`,
    });
  }
  return found;
}
