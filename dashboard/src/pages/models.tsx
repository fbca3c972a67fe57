import type { ReactNode } from 'react';
import { useAnswer } from '../api.js';
import { bytes, time } from '../format.js';
import { type Graph, Lineage } from '../parts/lineage.js';
import { linkTo } from '../router.js';
import { Table } from './run.js';

interface Model {
  readonly name: string;
  readonly description: string;
  readonly owner?: string;
  readonly onCall?: string;
  readonly escalation?: string;
  readonly criticality?: string;
  readonly threatModel?: string;
  readonly aliases: Readonly<Record<string, number>>;
}

interface Version {
  readonly version: number;
  readonly state: string;
  readonly aliases: readonly string[];
  readonly createdAt: string;
  readonly createdBy: string;
  readonly runId?: string;
  readonly regularizerId?: string;
  readonly datasetName?: string;
  readonly dataVersion?: string;
  readonly codeCommit?: string;
  readonly digest: string;
}

export function ModelsPage(): ReactNode {
  const { data, error } = useAnswer<{ models: Model[] }>('/models');
  if (error !== undefined) return <p role="alert">{error.message}</p>;
  return (
    <>
      <h1>Models</h1>
      {data?.models.length === 0 && <p>No models yet. Next: ballast models register RUN NAME</p>}
      <ul className="cards">
        {(data?.models ?? []).map((model) => (
          <li key={model.name}>
            <a href={linkTo(['models', model.name])}>{model.name}</a>
            <p>
              {Object.entries(model.aliases)
                .map(([alias, version]) => `@${alias} → ${version}`)
                .join(', ') || 'no aliases'}
            </p>
            <p className="quiet">{model.owner === undefined ? 'nobody answers for it yet' : `owner ${model.owner}`}</p>
          </li>
        ))}
      </ul>
    </>
  );
}

export function ModelPage({ name }: { name: string }): ReactNode {
  const { data, error } = useAnswer<{ model: Model; versions: Version[] }>(`/models/${encodeURIComponent(name)}`);
  if (error !== undefined) return <p role="alert">{error.message}</p>;
  if (data === undefined) return <p className="quiet">…</p>;
  const { model, versions } = data;
  const facts = {
    owner: model.owner,
    'on call': model.onCall,
    escalation: model.escalation,
    criticality: model.criticality,
    'threat model': model.threatModel,
  };
  return (
    <>
      <p>
        <a href={linkTo(['models'])}>Models</a>
      </p>
      <h1>{name}</h1>
      <p>{model.description}</p>
      <dl>
        {Object.entries(facts).map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value ?? 'not set'}</dd>
          </div>
        ))}
      </dl>
      <p>
        <a href={linkTo(['rollouts'], { model: name })}>Rollouts of this model</a>
      </p>
      <h2>Versions</h2>
      <ul className="cards">
        {versions.map(({ version, state, aliases, createdAt, regularizerId }) => (
          <li key={version}>
            <a href={linkTo(['models', name, version])}>version {version}</a>{' '}
            {aliases.map((alias) => `@${alias}`).join(' ')}
            <p className="quiet">
              {state}, {time(createdAt)}, {regularizerId ?? 'regularizers not recorded'}
            </p>
          </li>
        ))}
      </ul>
    </>
  );
}

interface VersionDocument {
  readonly version: Version;
  readonly files: readonly { readonly path: string; readonly size: number; readonly sha256: string }[];
  readonly checklist: readonly {
    readonly id: string;
    readonly list: string;
    readonly text: string;
    readonly done: boolean;
    readonly by?: string;
    readonly evidence: string;
  }[];
  readonly lineage: Graph;
}

export function VersionPage({ name, version }: { name: string; version: string }): ReactNode {
  const { data, error } = useAnswer<VersionDocument>(`/models/${encodeURIComponent(name)}/${version}`);
  if (error !== undefined) return <p role="alert">{error.message}</p>;
  if (data === undefined) return <p className="quiet">…</p>;
  const { version: of, files, checklist, lineage } = data;
  const open = checklist.filter(({ done }) => !done).length;
  const facts = {
    state: of.state,
    aliases: of.aliases.map((alias) => `@${alias}`).join(' ') || 'none',
    regularizers: of.regularizerId ?? 'not recorded',
    data: of.datasetName === undefined ? '' : `${of.datasetName} ${of.dataVersion ?? ''}`,
    commit: of.codeCommit ?? '',
    registered: `${time(of.createdAt)} by ${of.createdBy}`,
    digest: of.digest,
  };
  return (
    <>
      <p>
        <a href={linkTo(['models', name])}>{name}</a>
      </p>
      <h1>
        {name}, version {version}
      </h1>
      <dl>
        {Object.entries(facts)
          .filter(([, value]) => value !== '')
          .map(([label, value]) => (
            <div key={label}>
              <dt>{label}</dt>
              <dd>{value}</dd>
            </div>
          ))}
      </dl>
      <h2>Checklists: {open === 0 ? 'ready for traffic' : `${open} open`}</h2>
      <Table
        head={['', 'item', 'list', 'who', 'evidence']}
        rows={checklist.map(({ done, text, list, by, evidence }) => [
          done ? '✓' : 'open',
          text,
          list,
          by ?? '',
          evidence,
        ])}
      />
      <h2>Files</h2>
      <Table
        head={['file', 'size', 'SHA-256']}
        rows={files.map(({ path, size, sha256 }) => [path, bytes(size), sha256.slice(0, 16)])}
      />
      <h2>Lineage</h2>
      <Lineage graph={lineage} />
    </>
  );
}
