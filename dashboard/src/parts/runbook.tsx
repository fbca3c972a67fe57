import { type ReactNode, useState } from 'react';
import { useAnswer } from '../api.js';
import { linkTo } from '../router.js';

interface Step {
  readonly text: string;
  readonly command?: string;
}

interface Runbook {
  readonly name: string;
  readonly alertname?: string;
  readonly title: string;
  readonly meaning: string;
  readonly check: readonly Step[];
  readonly act: readonly Step[];
  readonly escalate: string;
}

interface Filled {
  readonly runbook: Runbook;
  readonly known: { readonly escalation?: string } | null;
}

/** What to do about an alert, asked for when it is opened: the commands are those of its model and version. */
export function RunbookOf({ rule, model, version }: { rule: string; model: string; version: string }): ReactNode {
  const [open, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Runbook</summary>
      {open && <Steps name={rule} model={model} version={version} />}
    </details>
  );
}

/** All runbooks, or one, for a model where one is given. */
export function RunbookPage({ name, model }: { name: string | undefined; model: string | undefined }): ReactNode {
  if (name === undefined) return <Runbooks />;
  return (
    <>
      <h1>{model === undefined ? 'Runbook' : `Runbook for ${model}`}</h1>
      <Steps name={name} model={model} version={undefined} />
      <p>
        <a href={linkTo(['runbooks'])}>all runbooks</a>
      </p>
    </>
  );
}

function Runbooks(): ReactNode {
  const { data, error } = useAnswer<{ runbooks: Runbook[] }>('/runbooks');
  if (error !== undefined) return <p role="alert">{error.message}</p>;
  return (
    <>
      <h1>Runbooks</h1>
      <ul>
        {(data?.runbooks ?? []).map(({ name, title }) => (
          <li key={name}>
            <a href={linkTo(['runbooks', name])}>{title}</a>
          </li>
        ))}
      </ul>
    </>
  );
}

function Steps({
  name,
  model,
  version,
}: {
  name: string;
  model: string | undefined;
  version: string | undefined;
}): ReactNode {
  const query = new URLSearchParams({
    ...(model === undefined ? {} : { model }),
    ...(model === undefined || version === undefined ? {} : { version }),
  });
  const { data, error } = useAnswer<Filled>(`/runbooks/${encodeURIComponent(name)}?${query}`);
  if (error !== undefined) return <p role="alert">{error.message}</p>;
  if (data === undefined) return <p className="quiet">…</p>;
  const { runbook, known } = data;
  return (
    <section aria-label={runbook.title}>
      <p>
        <strong>{runbook.title}.</strong> {runbook.meaning}
      </p>
      <List title="Check" steps={runbook.check} />
      <List title="Do" steps={runbook.act} />
      <p>
        <strong>Escalate.</strong> {runbook.escalate}
        {known?.escalation !== undefined && ` Escalation: ${known.escalation}.`}
      </p>
    </section>
  );
}

function List({ title, steps }: { title: string; steps: readonly Step[] }): ReactNode {
  return (
    <>
      <p>
        <strong>{title}</strong>
      </p>
      <ul>
        {steps.map(({ text, command }) => (
          <li key={text}>
            {text}
            {command !== undefined && (
              <>
                <br />
                <code>{command}</code>
              </>
            )}
          </li>
        ))}
      </ul>
    </>
  );
}
