import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { BallastError } from '../../errors.js';
import { parseInferRequest } from '../../serving/index.js';
import { rowOf } from '../../serving/model/columns.js';
import type { ServedVersion } from '../../serving/model/served-version.js';
import { feedsOf } from '../../serving/protocol/feeds.js';
import { metadataOf } from '../../serving/service/metadata.js';
import type { Tensors } from '../../serving/worker/messages.js';
import type { Store } from '../../store/index.js';

type Label = string | number;

/** A request that was made once, to be made again. */
export interface RecordedRequest {
  /** Of the prediction; of row i of several `ID/i`. */
  readonly id: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** What a version is fed. @throws BallastError where the request does not fit its inputs */
  feedsFor(version: ServedVersion): Tensors;
}

export interface Recording {
  readonly requests: readonly RecordedRequest[];
  /** Truths by the id of the prediction. */
  readonly labels: ReadonlyMap<string, Label>;
}

const label = z.union([z.string(), z.number()]);
const extras = z.looseObject({ id: z.string().optional(), label: z.union([label, z.array(label)]).optional() });

/**
 * Requests of a file as `ballast serve --record` writes it: each line a request of the Open Inference Protocol, to which `label`
 * (of several rows a list) may be added.
 *
 * @param most the first so many are read
 * @throws BallastError `FILE_NOT_READ`, `RECORDING_INVALID` with the line
 */
export async function readRecording(path: string, most: number): Promise<Recording> {
  const requests: RecordedRequest[] = [];
  const labels = new Map<string, Label>();
  let line = 0;
  try {
    for await (const text of createInterface({ input: createReadStream(path, 'utf8') })) {
      line++;
      if (text.trim() === '') continue;
      const { request, truth } = parseLine(text, `${path}:${line}`);
      requests.push(request);
      if (Array.isArray(truth)) for (const [row, value] of truth.entries()) labels.set(`${request.id}/${row}`, value);
      else if (truth !== undefined) labels.set(request.id, truth);
      if (requests.length === most) break;
    }
  } catch (cause) {
    if (cause instanceof BallastError) throw cause;
    throw new BallastError(`This file cannot be read: ${(cause as Error).message}`, {
      code: 'FILE_NOT_READ',
      place: path,
      cause,
    });
  }
  return { requests, labels };
}

function parseLine(text: string, place: string): { request: RecordedRequest; truth: Label | Label[] | undefined } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new BallastError('This line is not JSON', { code: 'RECORDING_INVALID', place, cause });
  }
  try {
    const request = parseInferRequest(value);
    const { id = place, label: truth } = extras.parse(value);
    const metadata = metadataOf(request.parameters, {});
    return {
      request: { id, metadata, feedsFor: ({ model }) => feedsOf(request, model.inputs, () => undefined) },
      truth,
    };
  } catch (error) {
    if (error instanceof BallastError) throw error.within(place);
    throw new BallastError('A label is a class or a number', { code: 'RECORDING_INVALID', place, cause: error });
  }
}

/** What users asked a model since a time, as far as the store kept it: the newest `most`, oldest first. */
export async function observedRequests(store: Store, model: string, from: number, most: number): Promise<Recording> {
  const rows = (await store.observationsBetween(model, { from, limit: most }))
    .filter(({ role, status }) => role !== 'shadow' && status !== 'rejected')
    .reverse();
  return {
    requests: rows.map(({ id, metadata, features }) => ({
      ...{ id, metadata },
      feedsFor: ({ model: loaded, columns }) => rowOf(loaded, columns, features),
    })),
    labels: new Map(rows.flatMap(({ id, label: known }) => (known === undefined ? [] : [[id, known.value] as const]))),
  };
}

/** Labels that the store knows of predictions that were recorded in a file. */
export async function knownLabels(store: Store, model: string, most: number): Promise<Map<string, Label>> {
  const rows = await store.observationsBetween(model, { labelled: true, limit: most });
  return new Map(rows.flatMap(({ id, label: known }) => (known === undefined ? [] : [[id, known.value] as const])));
}
