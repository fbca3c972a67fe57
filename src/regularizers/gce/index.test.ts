import { describe } from 'vitest';
import { testLossGoldens } from '../../../test/support/loss-goldens.js';

describe('gce against (1 - p^q) / q in PyTorch', () => {
  testLossGoldens('gce', import.meta.url);
});
