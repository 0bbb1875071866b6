import type { ReactNode } from 'react';

type Props = Readonly<{ heads: string[]; rows: ReactNode[][]; none: string }>;

/** A table of a few rows, or a sentence where there are none. */
export function Rows({ heads, rows, none }: Props) {
  if (rows.length === 0) return <p className="dim">{none}</p>;
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls
    <div className="rows" tabIndex={0} role="group" aria-label={heads.join(', ')}>
      <table>
        <thead>
          <tr>
            {heads.map((head) => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((cells, row) => (
            <tr key={row}>
              {cells.map((cell, column) => (
                <td key={heads[column]}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
