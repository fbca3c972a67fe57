import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '../../src/store/index.js';
import { crowd } from '../../test/support/crowd.js';
import { inputX } from '../../test/support/served.js';
import { line, register } from '../../test/support/served-models.js';
import { startServe } from '../../test/support/served-store.js';
import type { Results } from './page.js';

/** Ten thousand connections at once to a real `ballast serve`, a thousand of them slow. */
export const results: Results = {
  async page({ quick, tell }) {
    const folder = await mkdtemp(join(tmpdir(), 'ballast-crowd-'));
    const connections = quick ? 1000 : 10_000;
    const [slow, rounds] = [connections / 10, 3];
    try {
      await using store = await openStore(join(folder, '.ballast'));
      await register(store, 'line', line(2));
      await using serve = await startServe(folder, '--models', 'line/1');
      const before = await residentMb(serve.processId);
      const where = { url: serve.url, path: '/v2/models/line/infer', body: { inputs: [inputX([1])] } };
      tell(`${connections} connections`);
      const { open, answered, failed, newcomerMs } = await crowd({ ...where, connections, slow, rounds });
      const after = await residentMb(serve.processId);
      const faults = Object.entries(failed).map(([what, count]) => `${count} ${what}`);
      const sorted = newcomerMs.toSorted((a, b) => a - b);
      return `# Ten thousand connections

One \`ballast serve\` with its defaults. All connections are opened and stay open; of them, ${slow.toLocaleString('en')} send a request byte by byte and never end it. Over each of
the others ${rounds} requests are asked, 200 connections at once, while all are open. Then somebody new comes.

| What | |
| --- | --- |
| connections that stayed open | ${open.toLocaleString('en')} of ${connections.toLocaleString('en')} |
| requests answered | ${answered.toLocaleString('en')} of ${((connections - slow) * rounds + newcomerMs.length).toLocaleString('en')} |
| **that failed** | **${faults.length === 0 ? '0' : faults.join(', ')}** |
| a newcomer's request, connection included | ${sorted[Math.floor(sorted.length / 2)]?.toFixed(1)} ms in the median, ${sorted.at(-1)?.toFixed(1)} ms at most |
| memory of the server | ${before.toFixed(0)} MB before, ${after.toFixed(0)} MB after |

The client shares the machine with the server. The system has to allow as many open files (\`ulimit -n\`).
`;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

async function residentMb(pid: number): Promise<number> {
  const found = /VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'));
  return Number(found?.[1] ?? 0) / 1024;
}
