import type { ModelVersion, RegisteredModel, VersionFile } from '../store/registry/types.js';

/** A registered model in a few lines: its name, where its aliases point, who answers for it. */
export function modelText(model: RegisteredModel): string {
  const aliases = Object.entries(model.aliases).map(([alias, version]) => `@${alias} -> ${version}`);
  const facts = [
    model.owner === undefined ? undefined : `owner ${model.owner}`,
    model.onCall === undefined ? undefined : `on call ${model.onCall}`,
    model.escalation === undefined ? undefined : `then ${model.escalation}`,
    model.criticality === undefined ? undefined : `criticality ${model.criticality}`,
    model.threatModel === undefined ? undefined : `threat model: ${model.threatModel}`,
  ].filter((fact) => fact !== undefined);
  return [
    `${model.name}  ${aliases.join(', ') || 'no aliases'}`,
    ...(model.description === '' ? [] : [`  ${model.description}`]),
    `  ${facts.length > 0 ? facts.join(', ') : 'nobody answers for it yet'}`,
    ...Object.entries(model.tags).map(([key, value]) => `  ${key} = ${value}`),
  ].join('\n');
}

/** A version with everything that is known of it. */
export function versionText(version: ModelVersion, files: readonly VersionFile[]): string {
  const rows: [string, string][] = [
    ['version', `models:/${version.name}/${version.version}  ${version.state}`],
    ['aliases', version.aliases.map((alias) => `@${alias}`).join(' ') || '-'],
    ['run', version.runId ?? '-'],
    ['regularizers', version.regularizerId ?? 'not recorded'],
    ['data', version.datasetName === undefined ? '-' : `${version.datasetName} ${version.dataVersion ?? ''}`],
    ['code', version.codeCommit ?? '-'],
    ['digest', version.digest],
    ['registered', `${version.createdAt.toISOString()} by ${version.createdBy}, from ${version.source}`],
    ...Object.entries(version.tags).map(([key, value]): [string, string] => ['tag', `${key} = ${value}`]),
    ...files.map(({ path, size, sha256 }): [string, string] => [
      'file',
      `${path}  ${size} bytes  ${sha256.slice(0, 16)}`,
    ]),
  ];
  return rows.map(([name, value]) => `${name.padEnd(13)} ${value}`).join('\n');
}
