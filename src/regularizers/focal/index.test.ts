import { describe } from 'vitest';
import { testLossGoldens } from '../../../test/support/loss-goldens.js';

describe("focal against torchvision's sigmoid_focal_loss and its softmax form in PyTorch", () => {
  testLossGoldens('focal', import.meta.url);
});
