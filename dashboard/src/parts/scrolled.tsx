import type { ReactNode, Ref } from 'react';

interface ScrolledProps {
  readonly label: string;
  readonly children: ReactNode;
  readonly className?: string;
  readonly box?: Ref<HTMLElement>;
  readonly onScroll?: () => void;
}

/** What may be wider or longer than the page. It takes the focus, so that the keyboard can scroll it. */
export function Scrolled({ label, children, className = 'wide', box, onScroll }: ScrolledProps): ReactNode {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable region has to be reached by keyboard (WCAG 2.1.1)
    <section className={className} aria-label={label} tabIndex={0} ref={box} onScroll={onScroll}>
      {children}
    </section>
  );
}
