import type { ReactNode } from 'react';
import { useAnswer } from '../api.js';
import { figure } from '../format.js';
import { Markdown } from '../parts/markdown.js';
import { linkTo, replacePlace } from '../router.js';

interface Regularizer {
  readonly name: string;
  readonly title: string;
  readonly technique: string;
  readonly summary: string;
  readonly acts: readonly string[];
  readonly strength: {
    readonly parameter: string;
    readonly unit: string;
    readonly default: number;
    readonly min: number;
    readonly max: number;
    readonly scale: string;
    readonly switch?: boolean;
  };
  readonly cost: { readonly training: string; readonly inference: string };
  readonly conflicts: readonly { readonly with: string; readonly reason: string; readonly remedy: string }[];
}

/** Every regularizer, narrowed by words and by where it acts, as the address says. */
export function RegularizersPage({ query }: { query: URLSearchParams }): ReactNode {
  const { data, error } = useAnswer<{ regularizers: Regularizer[] }>('/regularizers');
  if (error !== undefined) return <p role="alert">{error.message}</p>;
  if (data === undefined) return <p className="quiet">…</p>;
  const find = query.get('find') ?? '';
  const acts = query.get('acts') ?? '';
  const go = (change: Record<string, string>): void =>
    replacePlace(linkTo(['regularizers'], { find, acts, ...change }));
  const words = find.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = data.regularizers.filter((each) => {
    const text = `${each.name} ${each.title} ${each.technique} ${each.summary}`.toLowerCase();
    return words.every((word) => text.includes(word)) && (acts === '' || each.acts.includes(acts));
  });
  const hooks = [...new Set(data.regularizers.flatMap((each) => each.acts))].sort();
  return (
    <>
      <h1>Regularizers</h1>
      <search className="row">
        <label>
          Find <input type="search" value={find} onChange={(event) => go({ find: event.target.value })} />
        </label>
        <label>
          Acts in{' '}
          <select value={acts} onChange={(event) => go({ acts: event.target.value })}>
            <option value="">anything</option>
            {hooks.map((hook) => (
              <option key={hook}>{hook}</option>
            ))}
          </select>
        </label>
      </search>
      <p role="status">
        {shown.length} of {data.regularizers.length}
      </p>
      <ul className="cards">
        {shown.map((each) => (
          <li key={each.name}>
            <a href={linkTo(['regularizers', each.name])}>{each.name}</a>{' '}
            <span className="quiet">{each.technique}</span>
            <p>{each.summary}</p>
            <Facts regularizer={each} />
          </li>
        ))}
      </ul>
    </>
  );
}

/** One regularizer: what a choice needs to know, and its method card. */
export function RegularizerPage({ name }: { name: string }): ReactNode {
  const { data, error } = useAnswer<Regularizer & { card: string }>(`/regularizers/${encodeURIComponent(name)}`);
  if (error !== undefined) return <p role="alert">{error.message}</p>;
  if (data === undefined) return <p className="quiet">…</p>;
  return (
    <>
      <p>
        <a href={linkTo(['regularizers'])}>Regularizers</a>
      </p>
      <h1>{data.title}</h1>
      <Facts regularizer={data} />
      {data.conflicts.length > 0 && (
        <ul>
          {data.conflicts.map(({ with: other, reason, remedy }) => (
            <li key={`${other} ${reason}`}>
              Not with <a href={linkTo(['regularizers', other])}>{other}</a>: {reason}. {remedy}.
            </li>
          ))}
        </ul>
      )}
      <Markdown text={data.card} />
    </>
  );
}

function Facts({ regularizer: { acts, strength, cost, conflicts } }: { regularizer: Regularizer }): ReactNode {
  const others = [...new Set(conflicts.map(({ with: other }) => other))];
  const facts: [string, ReactNode][] = [
    ['acts in', acts.join(', ')],
    [
      strength.parameter,
      strength.switch === true
        ? 'on or off'
        : `default ${figure(strength.default)}, ${figure(strength.min)} to ${figure(strength.max)} (${strength.unit}, ${strength.scale})`,
    ],
    ['cost of training', cost.training],
    ['cost of inference', cost.inference],
    [
      'conflicts',
      others.length === 0
        ? 'none known'
        : others.map((other, i) => (
            <span key={other}>
              {i > 0 && ', '}
              <a href={linkTo(['regularizers', other])}>{other}</a>
            </span>
          )),
    ],
  ];
  return (
    <dl>
      {facts.map(([label, value]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
