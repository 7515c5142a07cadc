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

/** docs/explanation/safety.md. */
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

How a server treats strangers by default, measured. \`npm run safety\` wrote this page. For each row it starts each server in
a process of its own, as the server's documentation shows it, with no option except the port (and compression or TLS for
the rows about it), and acts as the peer over TCP on the same machine. The column "promised" is the requirement for Twoway; the
command fails if a figure of Twoway does not meet it.

Measured on ${date}; ${targets.map(({ name, version }) => `${name} ${version}`).join(', ')}; ${machine}. Figures of time
and memory vary a little from run to run, and more on a busy machine.

${[head, head.map(() => '---'), ...rows].map(line).join('\n')}

Memory is the growth of the resident memory of the process: after a garbage collection for the rows about fragments, and the
maximum for the others. Compiled code and a heap that grows in steps add a noise of some MiB.

Backpressure over TLS depends on the way that the connection takes on Deno:

- A connection of Deno's own TLS, or of \`node:tls\` over a stream, stops with its reader: a reader that pauses takes at most 8 MB of
  200, which \`npm run test:runtimes -- deno\` tests. These are \`serve\` and all clients, also those with other TLS options or behind a
  proxy.
- A connection of \`node:tls\` on a socket keeps reading: while the socket is paused, everything that the peer sends is held in
  memory (\`test/runtimes/deno-tls-pause.mjs\` shows it). These are servers that Deno's own TLS can't serve: \`attach\` to a server of
  \`node:https\`, and \`serve\` with \`pfx\`, \`passphrase\`, \`ca\`, \`backlog\`, \`reusePort\`, \`handle\`, \`socketPath\` or the PROXY protocol.
  For these, let a proxy in front end TLS.

Tests cover the rest. \`npm run test:mutations\` feeds the core a million mutated handshakes, frames and compressed streams,
each of which must be accepted or fail with a defined error. \`npm run test:tls\` plays ten thousand
sequences of TLS messages to servers and clients. \`test/faults\` cuts, resets, stops and starves real connections,
and connects the client to hostile servers; \`npm run soak\` does so for a given time.
`
}
