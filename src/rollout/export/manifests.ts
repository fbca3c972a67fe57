import { Document } from 'yaml';
import type { TrafficShare } from '../../store/index.js';

/** Where a model is served, and how its traffic is divided now. */
export interface Placement {
  readonly model: string;
  readonly namespace: string;
  /** Versions with their weights: one live, others candidates or in shadow. */
  readonly shares: readonly TrafficShare[];
  /** Requests a second that one client may send; none is said where it is undefined. */
  readonly rate?: number;
}

/** Port of `ballast serve`. */
export const PORT = 4780;

/** A name as Kubernetes allows it (RFC 1123): lower case, digits, hyphens, at most 50 characters, so that suffixes fit. */
const slug = (name: string): string =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 50);

export const nameOf = (model: string): string => `ballast-${slug(model)}`;
export const nameOfVersion = (model: string, version: number): string => `${nameOf(model)}-v${version}`;

/** Whole per cents that add up to 100: the live version takes what rounding leaves. */
export function percents(shares: readonly TrafficShare[]): { readonly version: number; readonly weight: number }[] {
  const users = shares.filter(({ role }) => role !== 'shadow');
  const rounded = users.map(({ version, role, weight }) => ({ version, role, weight: Math.round(100 * weight) }));
  const rest = 100 - rounded.reduce((sum, { weight }) => sum + weight, 0);
  return rounded.map(({ version, role, weight }) => ({ version, weight: role === 'live' ? weight + rest : weight }));
}

export const shadowsOf = ({ shares }: Placement): number[] =>
  shares.filter(({ role }) => role === 'shadow').map(({ version }) => version);

/** Several objects as one YAML text. */
export function yamlOf(...objects: readonly object[]): string {
  return objects
    .map((each) => new Document(each, { aliasDuplicateObjects: false }).toString({ lineWidth: 0 }))
    .join('---\n');
}
