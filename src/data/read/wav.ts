import { BallastError } from '../../errors.js';
import { corrupt } from './faults.js';

/** A recording: the mean of its channels, in -1 to 1. */
export interface Recording {
  readonly sampleRate: number;
  readonly samples: Float32Array;
}

const PCM = 1;
const FLOAT = 3;
const EXTENSIBLE = 0xfffe;
const MAXIMUM_CHANNELS = 256;

interface Layout {
  readonly code: number;
  readonly channels: number;
  readonly sampleRate: number;
  readonly bits: number;
}

/**
 * Parses a RIFF WAVE file: integer samples of 8 (unsigned), 16, 24 or 32 bits and floating-point ones of 32 or 64,
 * any number of channels, plain or extensible header. Chunks that are not needed are passed over; a data chunk that
 * declares more than the file holds is an error.
 */
export function parseWav(bytes: Buffer, place: string): Recording {
  if (bytes.length < 12 || bytes.toString('latin1', 0, 4) !== 'RIFF' || bytes.toString('latin1', 8, 12) !== 'WAVE') {
    throw corrupt(place, 'the file is not a RIFF WAVE file');
  }
  let layout: Layout | undefined;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const name = bytes.toString('latin1', at, at + 4);
    const length = bytes.readUInt32LE(at + 4);
    const start = at + 8;
    if (start + length > bytes.length) throw corrupt(place, `the ${name.trim()} part of the recording is truncated`);
    if (name === 'fmt ') layout = layoutOf(bytes.subarray(start, start + length), place);
    if (name === 'data') {
      if (layout === undefined) throw corrupt(place, 'the recording does not say what its samples are');
      return { sampleRate: layout.sampleRate, samples: decode(bytes.subarray(start, start + length), layout) };
    }
    // Chunks are padded to even lengths.
    at = start + length + (length % 2);
  }
  throw corrupt(place, 'the recording holds no samples');
}

function layoutOf(chunk: Buffer, place: string): Layout {
  if (chunk.length < 16) throw corrupt(place, 'the recording does not say what its samples are');
  let code = chunk.readUInt16LE(0);
  if (code === EXTENSIBLE && chunk.length >= 26) code = chunk.readUInt16LE(24);
  const channels = chunk.readUInt16LE(2);
  const sampleRate = chunk.readUInt32LE(4);
  const bits = chunk.readUInt16LE(14);
  const known = (code === PCM && [8, 16, 24, 32].includes(bits)) || (code === FLOAT && [32, 64].includes(bits));
  if (!known) {
    throw new BallastError(`samples of format ${code} with ${bits} bits are not supported`, {
      code: 'DATA_AUDIO_UNSUPPORTED',
      place,
      remedy: 'Convert the recording to 16-bit PCM.',
    });
  }
  if (channels < 1 || channels > MAXIMUM_CHANNELS || sampleRate < 1) {
    throw corrupt(place, `the recording declares ${channels} channels at ${sampleRate} Hz`);
  }
  return { code, channels, sampleRate, bits };
}

function decode(data: Buffer, { code, channels, bits }: Layout): Float32Array {
  const width = bits / 8;
  const count = Math.floor(data.length / (width * channels));
  const sample = sampleReader(data, code, bits);
  const samples = new Float32Array(count);
  for (let index = 0; index < count; index++) {
    let sum = 0;
    for (let channel = 0; channel < channels; channel++) sum += sample((index * channels + channel) * width);
    samples[index] = sum / channels;
  }
  return samples;
}

function sampleReader(data: Buffer, code: number, bits: number): (at: number) => number {
  if (code === FLOAT) return bits === 32 ? (at) => data.readFloatLE(at) : (at) => data.readDoubleLE(at);
  switch (bits) {
    case 8:
      return (at) => (data[at] - 128) / 128;
    case 16:
      return (at) => data.readInt16LE(at) / 2 ** 15;
    case 24:
      return (at) => data.readIntLE(at, 3) / 2 ** 23;
    default:
      return (at) => data.readInt32LE(at) / 2 ** 31;
  }
}
