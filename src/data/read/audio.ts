import { BallastError } from '../../errors.js';
import type { Table } from '../table.js';
import { fileColumns } from './file-labels.js';
import type { ReadRequest } from './read.js';
import { resampler } from './resample.js';
import { parseWav } from './wav.js';
import { readWhole } from './whole-file.js';

const MAXIMUM_RATE = 384_000;

/**
 * Reads .wav files as the column `audio` ([samples], -1 to 1): channels averaged, resampled to one rate, cut or padded
 * with silence at the end to one length. Labels: see {@link fileColumns}.
 */
export async function readAudio({ files, resolved, options, budget }: ReadRequest): Promise<Table> {
  const place = resolved.source;
  const { sampleRate, samples, seconds } = options.audio ?? {};
  if (sampleRate !== undefined && !(Number.isInteger(sampleRate) && sampleRate >= 1 && sampleRate <= MAXIMUM_RATE)) {
    throw new BallastError(`audio.sampleRate must be a whole number from 1 to ${MAXIMUM_RATE}`, {
      code: 'DATA_AUDIO_RATE',
      place,
      value: sampleRate,
    });
  }
  let rate = sampleRate;
  const converters = new Map<number, (samples: Float32Array) => Float32Array>();
  const recordings: Float32Array[] = [];
  for (const file of files) {
    const recording = parseWav(await readWhole(file, budget.left), file);
    if (recording.samples.length === 0)
      throw new BallastError('the recording is empty', { code: 'DATA_EMPTY', place: file });
    rate ??= recording.sampleRate;
    const convert = converters.get(recording.sampleRate) ?? resampler(recording.sampleRate, rate);
    converters.set(recording.sampleRate, convert);
    const converted = convert(recording.samples);
    budget.spend(4 * converted.length, file);
    recordings.push(converted);
  }
  const longest = recordings.reduce((length, recording) => Math.max(length, recording.length), 0);
  const length = samples ?? (seconds === undefined ? longest : Math.round(seconds * (rate ?? 0)));
  if (!Number.isInteger(length) || length < 1) {
    throw new BallastError('the length of recordings must be a whole number of samples, at least one', {
      code: 'DATA_AUDIO_LENGTH',
      place,
      value: length,
    });
  }
  budget.spend(4 * length * recordings.length, place);
  const data = new Float32Array(length * recordings.length);
  for (const [index, recording] of recordings.entries()) data.set(recording.subarray(0, length), index * length);
  return {
    rows: recordings.length,
    columns: [
      {
        kind: 'array',
        name: 'audio',
        content: 'audio',
        shape: [length],
        ...(rate === undefined ? {} : { sampleRate: rate }),
        data,
      },
      ...fileColumns(files, resolved.root, options.files ?? {}, place),
    ],
  };
}
