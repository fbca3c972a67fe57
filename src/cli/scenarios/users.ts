import { setTimeout as sleep } from 'node:timers/promises';
import { rawTensors } from '../../data/index.js';
import { derive, type Random } from '../../numeric/random.js';
import { prepareData } from '../../spec/prepare.js';
import { readSpec } from '../../spec/read.js';
import type { Store } from '../../store/types.js';

export interface Picture {
  readonly input: string;
  readonly shape: readonly number[];
  readonly pixels: readonly number[];
  readonly label: string;
}

/** The validation pictures of a spec: no model learned from them, and the holdout is left alone. */
export async function validationPictures(spec: string, store: Store): Promise<Picture[]> {
  const { table, split, preprocessor, roles } = await prepareData(await readSpec(spec), {
    register: store.holdoutRegister('scenario'),
  });
  const [[input, tensor]] = Object.entries(rawTensors(preprocessor.inputs, table, split.validation));
  const target = table.columns.find(({ name }) => name === roles.target);
  const size = tensor.data.length / split.validation.length;
  return Array.from(split.validation, (row, i) => ({
    ...{ input, shape: [1, ...tensor.shape.slice(1)] },
    pixels: Array.from(tensor.data.slice(i * size, (i + 1) * size), Number),
    label:
      target?.kind === 'category'
        ? target.dictionary[target.codes[row]]
        : String(target?.kind === 'number' ? target.values[row] : ''),
  }));
}

export interface UsersOptions {
  readonly url: string;
  readonly model: string;
  readonly pictures: readonly Picture[];
  /** How many ask at once, each the next request after an answer and a pause. */
  readonly count: number;
  readonly pauseMs: number;
}

/** Labels that are told at once. */
const LABELS = 50;

/** People who send pictures until they are told to stop, and tell later what the pictures were. */
export class Users {
  readonly #options: UsersOptions;
  readonly #random: Random = derive(1, 'users');
  readonly #working: Promise<void>[];
  #truths: { id: string; label: string }[] = [];
  #stopped = false;
  answered = 0;
  failed = 0;
  /** Answers, and wrong ones among them, by the version that gave them. */
  readonly byVersion = new Map<string, { answered: number; wrong: number }>();

  constructor(options: UsersOptions) {
    this.#options = options;
    this.#working = Array.from({ length: options.count }, () => this.#work());
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#working);
    await this.#tell();
  }

  /** Waits until so many more were answered. */
  async more(count: number): Promise<void> {
    const until = this.answered + count;
    while (this.answered < until && !this.#stopped) await sleep(20);
  }

  async #work(): Promise<void> {
    const { url, model, pictures, pauseMs } = this.#options;
    while (!this.#stopped) {
      const { input, shape, pixels, label } = pictures[this.#random.integer(pictures.length)];
      const response = await post(`${url}/v2/models/${model}/infer`, {
        inputs: [{ name: input, shape, datatype: 'FP32', data: pixels }],
      });
      if (response.ok) {
        this.#answered((await response.json()) as Answer, label);
        if (this.#truths.length >= LABELS) await this.#tell();
      } else {
        await response.arrayBuffer();
        this.failed++;
      }
      await sleep(pauseMs);
    }
  }

  #answered({ model_version: version, parameters, outputs }: Answer, label: string): void {
    this.answered++;
    const counts = this.byVersion.get(version) ?? { answered: 0, wrong: 0 };
    const scores = outputs.find(({ name }) => /prob/i.test(name))?.data ?? [];
    const said = scores.indexOf(Math.max(...scores));
    this.byVersion.set(version, {
      answered: counts.answered + 1,
      wrong: counts.wrong + (String(said) === label ? 0 : 1),
    });
    this.#truths.push({ id: parameters.prediction_id, label });
  }

  /** What the pictures were. */
  async #tell(): Promise<void> {
    const labels = this.#truths;
    this.#truths = [];
    if (labels.length === 0) return;
    const response = await post(`${this.#options.url}/api/v1/labels`, { labels });
    await response.arrayBuffer();
    if (!response.ok) this.failed++;
  }
}

interface Answer {
  readonly model_version: string;
  readonly parameters: { readonly prediction_id: string };
  readonly outputs: readonly { readonly name: string; readonly data: readonly number[] }[];
}

function post(url: string, body: unknown): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}
