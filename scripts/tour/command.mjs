// Runs commands of Ballast for the tour, as a user would type them.
import { spawn } from 'node:child_process';
import { join } from 'node:path';

/** Answers of commands that judge: done, and the answer is no. */
const NO = 1;

/**
 * Where commands run; with `quiet` they are not shown.
 *
 * @typedef {{ root: string, store: string, signal: AbortSignal, quiet?: boolean }} Place
 */

/**
 * Runs a command; its progress goes to the terminal.
 *
 * @param {Place} place
 * @param {...string} args
 * @returns {Promise<any>} its JSON answer; a "no" is an answer
 */
export async function ballast(place, ...args) {
  if (place.quiet !== true) process.stderr.write(`\n$ ballast ${args.map(shown).join(' ')}\n`);
  const child = start(place, args);
  let output = '';
  child.stdout.on('data', (/** @type {Buffer} */ piece) => {
    output += piece.toString();
  });
  const code = await ended(child);
  if (place.signal.aborted) process.exit(130);
  if (code !== 0 && code !== NO) process.exit(code ?? 3);
  return JSON.parse(output);
}

/**
 * Starts `ballast serve` on a free port, and waits until it answers.
 *
 * @param {Place} place
 * @param {...string} args
 * @returns {Promise<{ url: string, stop: () => Promise<void>, ended: Promise<number | null> }>}
 */
export async function serve(place, ...args) {
  process.stderr.write(`\n$ ballast serve ${args.map(shown).join(' ')} &\n`);
  const child = start(place, ['serve', ...args]);
  const over = ended(child);
  const line = await new Promise((resolve, reject) => {
    let output = '';
    child.stdout.on('data', (/** @type {Buffer} */ piece) => {
      output += piece.toString();
      if (output.includes('\n')) resolve(output);
    });
    over.then((code) => reject(new Error(`the server ended with ${code}`)), reject);
  });
  const stop = async () => {
    child.kill('SIGTERM');
    await over;
  };
  return { url: JSON.parse(line).url, stop, ended: over };
}

/**
 * @param {Place} place
 * @param {string[]} args
 */
function start({ root, store }, args) {
  return spawn(process.execPath, [join(root, 'bin', 'ballast'), ...args, '--json', '--store', store], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @returns {Promise<number | null>}
 */
function ended(child) {
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
}

/** @param {string} word as a shell would need it */
function shown(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word}'`;
}
