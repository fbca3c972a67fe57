/** Zero crossings of the filter's sinc on each side, at the lower of both rates. */
const HALF_WIDTH = 10;

/** Kaiser window's shape: about 50 dB stop-band attenuation. */
const BETA = 5;

/**
 * Makes a function that converts recordings from one sample rate to another by polyphase filtering: n samples become
 * ceil(n * to / from). Low-pass filter: a sinc with its cut-off at half of the lower rate, Kaiser-windowed (beta 5),
 * 20 * max(up, down) + 1 taps, unit gain at 0 Hz; the same design as scipy.signal.resample_poly.
 */
export function resampler(from: number, to: number): (samples: Float32Array) => Float32Array {
  const divisor = greatestCommonDivisor(from, to);
  const up = to / divisor;
  const down = from / divisor;
  if (up === down) return (samples) => samples;
  const half = HALF_WIDTH * Math.max(up, down);
  const filter = lowPass(half, 1 / Math.max(up, down), up);
  return (samples) => {
    const result = new Float32Array(Math.ceil((samples.length * up) / down));
    for (let index = 0; index < result.length; index++) {
      // y[m] = sum over n of x[n] h[m down - n up + half]
      const centre = index * down + half;
      const first = Math.max(0, Math.ceil((centre - 2 * half) / up));
      const last = Math.min(samples.length - 1, Math.floor(centre / up));
      let sum = 0;
      for (let n = first; n <= last; n++) sum += samples[n] * filter[centre - n * up];
      result[index] = sum;
    }
    return result;
  };
}

/** Kaiser-windowed sinc of 2 * half + 1 taps; `cutoff` in units of the Nyquist frequency; sum of taps = gain. */
function lowPass(half: number, cutoff: number, gain: number): Float64Array {
  const taps = Float64Array.from({ length: 2 * half + 1 }, (_, index) => {
    const offset = index - half;
    const angle = Math.PI * cutoff * offset;
    const sinc = offset === 0 ? 1 : Math.sin(angle) / angle;
    return sinc * besselI0(BETA * Math.sqrt(Math.max(0, 1 - (offset / half) ** 2)));
  });
  const sum = taps.reduce((total, tap) => total + tap, 0);
  return taps.map((tap) => (tap * gain) / sum);
}

/** Modified Bessel function of the first kind, order 0, by its power series. */
function besselI0(x: number): number {
  let term = 1;
  let sum = 1;
  for (let k = 1; term > 1e-17 * sum; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
