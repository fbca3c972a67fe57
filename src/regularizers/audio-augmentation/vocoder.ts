import type { GraphBuilder, Value } from '../../graph/builder.js';
import { float32, type Tensor, tensor } from '../../graph/tensor.js';
import { frameIndex, hann, turnOf, windowedFourier } from '../../models/fourier.js';

/** Windows that overlap at any time: the hop is the transform's length over this. */
const OVERLAP = 4;

/**
 * Waveforms [rows, samples] made slower or faster at the same pitch by a phase vocoder (Flanagan and Golden, 1966), as
 * librosa's stft, phase_vocoder and istft do it: output frame t has the magnitudes of the input at t * rate, between
 * frames, and the phases that follow from the frame before by what one hop advances them there.
 *
 * @param rates [rows, 1]: 2 is twice as fast and half as long
 * @param fft samples of a frame, a multiple of 4; the hop is a quarter
 * @param length samples of the result; what is longer is cut, what is shorter ends in silence
 * @returns [rows, length]
 */
export function stretchTime(
  b: GraphBuilder,
  waveform: Value,
  rates: Value,
  { fft, length }: { fft: number; length: number },
): Value {
  const [rows, samples] = waveform.shape;
  const hop = fft / OVERLAP;
  const bins = fft / 2 + 1;
  return b.detached(() => {
    const padded = b.pad(waveform, [0, fft / 2, 0, fft / 2]);
    const frames = 1 + Math.floor(samples / hop);
    const spectrum = b.matMul(
      b.gather(padded, b.constant(frameIndex(frames, fft, hop)), 1),
      b.constant(windowedFourier(fft)),
    );
    // Two frames of silence follow the last, so that every step has a frame and the next.
    const all = b.reshape(b.pad(spectrum, [0, 0, 0, 0, 2, 0]), [rows * (frames + 2), 2 * bins]);
    const steps = 1 + Math.ceil(length / hop);
    const counts = float32(
      [1, steps],
      Array.from({ length: steps }, (_, t) => t),
    );
    const at = b.minimum(b.mul(b.constant(counts), rates), frames);
    const lower = b.op('Floor', [at]);
    const starts = tensor(
      'int32',
      [rows, 1],
      Int32Array.from({ length: rows }, (_, row) => row * (frames + 2)),
    );
    const index = b.add(b.cast(lower, 'int32'), b.constant(starts));
    const now = b.split(b.gather(all, index), [bins, bins], 2);
    const next = b.split(b.gather(all, b.add(index, b.scalar(1, 'int32'))), [bins, bins], 2);
    const share = b.unsqueeze(b.sub(at, lower), [2]);
    const [size, nextSize] = [magnitude(b, now), magnitude(b, next)];
    const magnitudes = b.add(size, b.mul(b.sub(nextSize, size), share));
    const first = now.map((part) => b.slice(part, [0], [1], [1]));
    const onwards = turned(b, now, next).map((part) => b.slice(part, [0], [steps - 1], [1]));
    const phasors = running(
      b,
      unit(
        b,
        first.map((part, i) => b.concat([part, onwards[i]], 1)),
      ),
    );
    const made = b.concat(
      phasors.map((part) => b.mul(part, magnitudes)),
      2,
    );
    const pieces = b.matMul(made, b.constant(synthesis(fft, bins)));
    return overlapped(b, pieces, { fft, hop, length });
  });
}

type Complex = readonly Value[];

const magnitude = (b: GraphBuilder, [re, im]: Complex): Value => b.sqrt(b.add(b.mul(re, re), b.mul(im, im)));

/** next * conjugate(now): its angle is how far the phase has turned. */
function turned(b: GraphBuilder, [re, im]: Complex, [nextRe, nextIm]: Complex): Complex {
  return [b.add(b.mul(nextRe, re), b.mul(nextIm, im)), b.sub(b.mul(nextIm, re), b.mul(nextRe, im))];
}

/** Complex numbers of size 1 with the same angles; 1 for 0. */
function unit(b: GraphBuilder, [re, im]: Complex): Complex {
  const size = b.add(magnitude(b, [re, im]), LEAST);
  return [b.div(b.add(re, LEAST), size), b.div(im, size)];
}

/** Beside it the size of any sound is large: it decides the angle of silence alone. */
const LEAST = 1e-18;

/** For every step the product of all up to it, in as many rounds as doubling takes: [rows, steps, bins] each. */
function running(b: GraphBuilder, factors: Complex): Complex {
  const [, steps] = factors[0].shape;
  let [re, im] = factors;
  for (let apart = 1; apart < steps; apart *= 2) {
    const [[headRe, tailRe], [headIm, tailIm]] = [re, im].map((part) => b.split(part, [apart, steps - apart], 1));
    const [earlierRe, earlierIm] = [re, im].map((part) => b.slice(part, [0], [steps - apart], [1]));
    re = b.concat([headRe, b.sub(b.mul(tailRe, earlierRe), b.mul(tailIm, earlierIm))], 1);
    im = b.concat([headIm, b.add(b.mul(tailRe, earlierIm), b.mul(tailIm, earlierRe))], 1);
  }
  return [re, im];
}

/** The inverse of {@link windowedFourier} for real frames, windowed once more: [2 bins, fft]. */
function synthesis(fft: number, bins: number): Tensor {
  const data = new Float32Array(2 * bins * fft);
  for (let k = 0; k < bins; k++) {
    const weight = (k === 0 || k === fft / 2 ? 1 : 2) / fft;
    for (let n = 0; n < fft; n++) {
      data[k * fft + n] = weight * hann(n, fft) * Math.cos(turnOf(n, k, fft));
      data[(bins + k) * fft + n] = -weight * hann(n, fft) * Math.sin(turnOf(n, k, fft));
    }
  }
  return float32([2 * bins, fft], data);
}

/** Frames [rows, steps, fft] added up a hop apart, over the sum of squared windows; without half a frame of padding. */
function overlapped(
  b: GraphBuilder,
  pieces: Value,
  { fft, hop, length }: { fft: number; hop: number; length: number },
): Value {
  const [rows, steps] = pieces.shape;
  const quarters = b.split(
    pieces,
    Array.from({ length: OVERLAP }, () => hop),
    2,
  );
  // The i-th quarter of frame t lies at hop t + i.
  const placed = quarters.map((quarter, i) => b.pad(quarter, [0, i, 0, 0, OVERLAP - 1 - i, 0]));
  const total = (steps + OVERLAP - 1) * hop;
  const sum = b.reshape(placed.reduce(b.add), [rows, total]);
  const windows = new Float64Array(total);
  for (let t = 0; t < steps; t++) for (let n = 0; n < fft; n++) windows[t * hop + n] += hann(n, fft) ** 2;
  const inverse = Float32Array.from(windows, (weight) => (weight > 1e-8 ? 1 / weight : 1));
  const whole = b.mul(sum, b.constant(float32([1, total], inverse)));
  return b.slice(whole, [fft / 2], [fft / 2 + length], [1]);
}
