import { readFileSync, writeFileSync } from 'node:fs';
import { MLFLOW_ENDPOINTS } from '../src/server/mlflow/index.js';

/**
 * Writes docs/mlflow-endpoints.md from the endpoints that the server registers: `npx tsx scripts/endpoints-table.ts`. With
 * `--check` it writes nothing and fails where the page is stale.
 */

const page = new URL('../docs/mlflow-endpoints.md', import.meta.url);

/** Where an endpoint differs from MLflow's own server. */
const NOTES: Readonly<Record<string, string>> = {
  'POST experiments/create': '`artifact_location` is refused: the server keeps artifacts itself',
  'POST runs/update': '`SCHEDULED` is kept as `RUNNING`; a run at work on this machine keeps its status',
  'GET runs/get': "Ballast's own runs too; `interrupted` is told as `KILLED`, `diverged` as `FAILED`",
  'POST runs/search':
    'all of the filter language; attributes of Ballast too: `kind`, `role`, `regularizer_id`, `data_version`, `dataset_name`, `seed`',
  'POST logged-models/search': 'a metric in a filter holds where any of its points does',
  'POST registered-models/create': 'names without slashes, colons, `@`, `#`, `?`, `%`',
  'POST registered-models/alias':
    '`champion` and `production` need the checklists done: `RESOURCE_CONFLICT` until then',
  'POST model-versions/create':
    'ready at once; the files are copied (by content); sources outside the store are refused',
  'POST model-versions/transition-stage': '`Production` needs the checklists done',
  'DELETE model-versions/delete': 'refused while an alias points to it; its number is not given again',
};

const PROXY: readonly (readonly [method: string, path: string, note: string])[] = [
  ['GET', 'artifacts', 'list'],
  ['GET', 'artifacts/{path}', 'download; always as bytes to save'],
  ['PUT', 'artifacts/{path}', 'upload; streamed to the disk'],
  ['DELETE', 'artifacts/{path}', ''],
  ['POST', 'mpu/create/{path}, mpu/complete/{path}, mpu/abort/{path}', 'uploads in parts, through the server'],
];

/** What the contract has and this server answers with `ENDPOINT_NOT_FOUND`. */
const MISSING: readonly (readonly [what: string, note: string])[] = [
  [
    '`artifacts/presigned-*`, `mlflow-artifacts/presigned/{path}`',
    'artifacts come through the server (`NOT_IMPLEMENTED`; clients fall back)',
  ],
  ['`metrics/get-history-bulk-interval`', "of MLflow's own pages only"],
  [
    '`traces`, `assessments`, `scorers`, `datasets` of evaluations, prompts, gateways, review queues',
    'no part of this product',
  ],
  ['`webhooks`', 'not yet'],
  ['`api/3.0/mlflow/server-info`, workspaces', 'clients take its absence for a server without workspaces'],
];

const LEAVE =
  'The unmodified Python client is run against these by [`test/interop/mlflow.test.ts`](../test/interop/mlflow.test.ts).';

function text(): string {
  const rows = MLFLOW_ENDPOINTS.map(({ method, path }) => {
    const name = `${method} ${path}`;
    return `| \`${method}\` | \`${path.replace(/:(\w+)/g, '{$1}')}\` | ${NOTES[name] ?? ''} |`;
  });
  const known = new Set(MLFLOW_ENDPOINTS.map(({ method, path }) => `${method} ${path}`));
  const stray = Object.keys(NOTES).filter((name) => !known.has(name));
  if (stray.length > 0) throw new Error(`notes on endpoints that are not there: ${stray.join(', ')}`);
  return [
    "# MLflow's endpoints",
    '',
    `What \`ballast serve\` answers of MLflow's REST contract (3.17.2), and what it does not. ${LEAVE}`,
    'This page is written by `scripts/endpoints-table.ts`.',
    '',
    '## Answered, below `/api/2.0/mlflow/`',
    '',
    '| | path | where it differs |',
    '| --- | --- | --- |',
    ...rows,
    '',
    '## Answered, below `/api/2.0/mlflow-artifacts/`',
    '',
    '| | path | |',
    '| --- | --- | --- |',
    ...PROXY.map(([method, path, note]) => `| \`${method}\` | \`${path}\` | ${note} |`),
    '',
    '## Not answered',
    '',
    '| | |',
    '| --- | --- |',
    ...MISSING.map(([what, note]) => `| ${what} | ${note} |`),
    '',
  ].join('\n');
}

if (process.argv.includes('--check')) {
  if (readFileSync(page, 'utf8') !== text()) {
    process.stderr.write('docs/mlflow-endpoints.md is stale: run npx tsx scripts/endpoints-table.ts\n');
    process.exitCode = 1;
  }
} else writeFileSync(page, text());
