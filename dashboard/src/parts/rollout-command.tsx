import { type ReactNode, useState } from 'react';
import { ask } from '../api.js';
import { Confirm } from './confirm.js';

export type Command = 'pause' | 'resume' | 'promote' | 'roll-back' | 'abort';

/** What a command says on its button, and what it does. */
const COMMANDS: Readonly<Record<Command, { readonly button: string; readonly does: string }>> = {
  pause: { button: 'Pause', does: 'The weights stay as they are, and nothing is decided until it is resumed.' },
  resume: { button: 'Resume', does: 'The controller decides again.' },
  promote: { button: 'Promote', does: 'The next step begins now, whatever the evidence says.' },
  'roll-back': {
    button: 'Roll back',
    does: 'All traffic goes to the baseline at once, and the rollout counts as failed.',
  },
  abort: { button: 'Abort', does: 'All traffic goes to the baseline at once; the rollout counts neither way.' },
};

/** What can be asked of a rollout in this state. */
function commandsOf(state: string): Command[] {
  if (state === 'running') return ['pause', 'promote', 'roll-back', 'abort'];
  if (state === 'paused') return ['resume', 'promote', 'roll-back', 'abort'];
  if (state === 'inconclusive') return ['promote', 'roll-back', 'abort'];
  return state === 'complete' ? ['roll-back'] : [];
}

interface CommandsProps {
  readonly id: string;
  readonly title: string;
  readonly state: string;
  readonly onDone: () => void;
}

/** Buttons for what can be asked of a rollout; each asks once more, and why. */
export function Commands({ id, title, state, onDone }: CommandsProps): ReactNode {
  const [asked, setAsked] = useState<Command>();
  return (
    <>
      <p className="row">
        {commandsOf(state).map((command) => (
          <button key={command} type="button" onClick={() => setAsked(command)}>
            {COMMANDS[command].button}…
          </button>
        ))}
      </p>
      {asked !== undefined && (
        <Confirm
          title={`${COMMANDS[asked].button}: ${title}?`}
          button={COMMANDS[asked].button}
          send={(form) =>
            ask(`/rollouts/${id}/${asked}`, {
              method: 'POST',
              body: JSON.stringify({ reason: String(form.get('reason')) }),
            })
          }
          onCancel={() => setAsked(undefined)}
          onDone={() => {
            setAsked(undefined);
            onDone();
          }}
        >
          <p>{COMMANDS[asked].does}</p>
        </Confirm>
      )}
    </>
  );
}
