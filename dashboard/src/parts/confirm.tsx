import { type FormEvent, type ReactNode, useEffect, useRef, useState } from 'react';
import { ApiError } from '../api.js';

interface ConfirmProps {
  readonly title: string;
  /** What happens when it is confirmed. */
  readonly children: ReactNode;
  readonly button: string;
  readonly send: (form: FormData) => Promise<unknown>;
  readonly onDone: () => void;
  readonly onCancel: () => void;
}

/** Asks once more, and why: nothing is done by one click. What the server refuses is told in the dialog. */
export function Confirm({ title, children, button, send, onDone, onCancel }: ConfirmProps): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const [fault, setFault] = useState<string>();
  useEffect(() => dialog.current?.showModal(), []);
  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    try {
      await send(new FormData(event.currentTarget));
      onDone();
    } catch (error) {
      setFault(error instanceof ApiError ? error.message : String(error));
    }
  };
  return (
    <dialog ref={dialog} aria-labelledby="confirm-title" onClose={onCancel}>
      <h2 id="confirm-title">{title}</h2>
      <form onSubmit={(event) => void submit(event)}>
        {children}
        <p>
          <label>
            Why <input name="reason" required maxLength={1000} />
          </label>
        </p>
        {fault !== undefined && <p role="alert">{fault}</p>}
        <p className="row">
          <button type="submit">{button}</button>
          <button type="button" onClick={onCancel}>
            Leave it
          </button>
        </p>
      </form>
    </dialog>
  );
}
