import { float32, int64, type Tensor } from '../graph/tensor.js';

/** The periodic Hann window of `fft` samples. */
export const hann = (n: number, fft: number): number => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / fft);

/** 2 pi n k / fft within one turn: float64 cosines of large angles lose digits. */
export const turnOf = (n: number, k: number, fft: number): number => (2 * Math.PI * ((n * k) % fft)) / fft;

/** Frames -> real parts, then imaginary ones, of their Fourier transform under a Hann window: [fft, 2 (fft / 2 + 1)]. */
export function windowedFourier(fft: number): Tensor {
  const bins = fft / 2 + 1;
  const data = new Float32Array(fft * 2 * bins);
  for (let n = 0; n < fft; n++) {
    for (let k = 0; k < bins; k++) {
      data[n * 2 * bins + k] = hann(n, fft) * Math.cos(turnOf(n, k, fft));
      data[n * 2 * bins + bins + k] = -hann(n, fft) * Math.sin(turnOf(n, k, fft));
    }
  }
  return float32([fft, 2 * bins], data);
}

/** Which sample stands at each place of each frame, [frames, fft]. */
export function frameIndex(frames: number, fft: number, hop: number): Tensor {
  return int64(
    [frames, fft],
    Array.from({ length: frames * fft }, (_, i) => Math.floor(i / fft) * hop + (i % fft)),
  );
}
