import type { Figure, Row } from './row.js'
import type { Target } from './server-process.js'

export interface Measured {
  readonly row: Row
  readonly figures: ReadonlyMap<string, Figure>
}

export interface PageParts {
  readonly measured: readonly Measured[]
  readonly targets: readonly Target[]
  readonly machine: string
  readonly date: string
}

/** docs/safety.md. */
export function pageOf({ measured, targets, machine, date }: PageParts): string {
  const head = ['property', 'promised', ...targets.map(({ name }) => name)]
  const rows = measured.map(({ row, figures }) => [
    row.property,
    row.promise,
    ...targets.map(({ name }) => figures.get(name)?.text ?? ''),
  ])
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return `# Safe by default

What a server does with strangers, measured. \`npm run safety\` wrote this page: it starts each server as its own
documentation shows it, with no option but the port (and compression or TLS for the rows about it), in a process of its own for each row, and plays the peer over TCP on
the same machine. "Promised" is what Twoway is held to; the command fails where a figure of Twoway's does not keep it.

Measured on ${date}; ${targets.map(({ name, version }) => `${name} ${version}`).join(', ')}; ${machine}. Figures of time
and memory differ a little from run to run, and more on a machine that has other work.

${[head, head.map(() => '---'), ...rows].map(line).join('\n')}

Memory is the growth of the process' resident memory: after a collection of garbage for the fragments, at its highest for
the rest. It has a noise of some MiB: code that gets compiled, a heap that grows in steps.

What no figure shows is tested: \`npm run test:mutations\` has the core read a million mutated handshakes, frames and
compressed streams, of which each must end as it should or in an error of its own. \`npm run test:tls\` plays ten thousand
sequences of TLS messages to servers and clients. \`test/faults\` cuts, resets, stops and
starves real connections, and gives the client servers that mean harm; \`npm run soak\` does so for as long as it is told.
`
}
