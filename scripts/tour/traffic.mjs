// Users of the tour's model: they send pictures of digits, and tell later what they were.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** @typedef {{ pixels: Float32Array, label: string }} Picture */

const SIDE = 28;
/** Requests under way at once. */
const USERS = 8;
/** Labels that are told at once. */
const LABELS = 100;

/**
 * The validation pictures of a recipe: no model learned from them, and the holdout is left alone.
 *
 * @param {import('./command.mjs').Place} place
 * @param {string} recipe
 * @returns {Promise<Picture[]>}
 */
export async function validationPictures({ root, store: url }, recipe) {
  const room = (/** @type {string} */ path) => import(pathToFileURL(join(root, 'dist', path)).href);
  const [{ readSpec, prepareData }, { openStore }, { rawTensors }] = await Promise.all(
    ['spec/index.js', 'store/index.js', 'data/index.js'].map(room),
  );
  const store = await openStore(url);
  try {
    const { table, split, preprocessor, roles } = await prepareData(await readSpec(join(root, recipe)), {
      register: store.holdoutRegister('tour'),
    });
    const [pixels] = Object.values(rawTensors(preprocessor.inputs, table, split.validation));
    const target = table.columns.find((/** @type {{ name: string }} */ { name }) => name === roles.target);
    return Array.from(split.validation, (row, i) => ({
      pixels: pixels.data.subarray(i * SIDE * SIDE, (i + 1) * SIDE * SIDE),
      label: target.kind === 'number' ? String(target.values[row]) : target.dictionary[target.codes[row]],
    }));
  } finally {
    await store.close();
  }
}

/** People who use a model until they are told to stop. */
export class Users {
  #url;
  #model;
  #pictures;
  #stopped = false;
  /** @type {Promise<void>[]} */
  #working = [];
  /** @type {{ id: string, label: string }[]} */
  #truths = [];
  #random;
  #seen = (/** @type {Picture} */ picture) => picture.pixels;
  answered = 0;
  failed = 0;
  /** Answers by the version that gave them. @type {Map<string, number>} */
  versions = new Map();

  /**
   * @param {string} url of the server
   * @param {string} model
   * @param {Picture[]} pictures
   */
  constructor(url, model, pictures) {
    this.#url = url;
    this.#model = model;
    this.#pictures = pictures;
    this.#random = stream(1);
  }

  /** Of the server. */
  get url() {
    return this.#url;
  }

  /** How a picture is seen from now on: another camera. @param {(picture: Picture) => Float32Array} seen */
  look(seen) {
    this.#seen = seen;
  }

  start() {
    this.#working = Array.from({ length: USERS }, () => this.#work());
    return this;
  }

  async stop() {
    this.#stopped = true;
    await Promise.all(this.#working);
    await this.#tell();
  }

  async #work() {
    while (!this.#stopped) {
      const picture = this.#pictures[Math.floor(this.#random() * this.#pictures.length)];
      const response = await post(`${this.#url}/v2/models/${this.#model}/infer`, {
        inputs: [{ name: 'image', shape: [1, 1, SIDE, SIDE], datatype: 'FP32', data: [...this.#seen(picture)] }],
      });
      if (!response.ok) {
        this.failed += 1;
        continue;
      }
      /** @type {any} */
      const answer = await response.json();
      this.answered += 1;
      this.versions.set(answer.model_version, (this.versions.get(answer.model_version) ?? 0) + 1);
      this.#truths.push({ id: answer.parameters.prediction_id, label: picture.label });
      if (this.#truths.length >= LABELS) await this.#tell();
    }
  }

  /** What the pictures were. */
  async #tell() {
    const labels = this.#truths.splice(0);
    if (labels.length === 0) return;
    const response = await post(`${this.#url}/api/v1/labels`, { labels });
    if (!response.ok) throw new Error(`labels were refused: ${await response.text()}`);
  }
}

/**
 * @param {string} url
 * @param {unknown} body
 */
function post(url, body) {
  return fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
}

/**
 * A picture by a camera whose lens is dirty and whose light is poor: fewer contrasts, and grey where paper should be.
 *
 * @param {Picture} picture
 */
export function throughDirtyLens({ pixels }) {
  const most = pixels.reduce((a, b) => Math.max(a, b), 0);
  return pixels.map((value, i) => 0.45 * value + 0.35 * most * (0.5 + 0.5 * Math.sin(i / 5)));
}

/** Mulberry32: the same users every time. @param {number} seed */
function stream(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
