import type { ReactNode } from 'react';

/**
 * Pictures that the server draws with the code of the reports. They are built element by element there, so that names from
 * outside are escaped; and the page's policy runs no script but its own.
 */
export function Drawn({ plots, wide = false }: { plots: readonly string[]; wide?: boolean }): ReactNode {
  if (plots.length === 0) return null;
  return (
    <div className={wide ? 'charts wide-charts' : 'charts'}>
      {plots.map((svg) => (
        // biome-ignore lint/security/noDangerouslySetInnerHtml: finished markup of our own server
        <figure key={svg} dangerouslySetInnerHTML={{ __html: svg }} />
      ))}
    </div>
  );
}
