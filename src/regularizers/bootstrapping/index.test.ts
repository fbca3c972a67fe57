import { describe } from 'vitest';
import { testLossGoldens } from '../../../test/support/loss-goldens.js';

describe('bootstrapping against its formulae in PyTorch', () => {
  testLossGoldens('bootstrapping', import.meta.url);
});
