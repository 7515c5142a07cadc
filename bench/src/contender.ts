import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { fetchRuntimes } from 'twoway-test/runtimes/fetch-runtimes'
import { installPackages } from 'twoway-test/runtimes/install-packages'
import { runtimes } from 'twoway-test/runtimes/runtimes'
import { isOurs, type Rival } from './rival.js'

/** A rival on one version of its runtime. */
export interface Contender {
  /** For example 'ws@26'. */
  readonly id: string
  /** For example 'ws, Node 26', or 'Bun 1.4' for a runtime's own implementation. */
  readonly name: string
  readonly rival: Rival
  /** The runtime's name and version. */
  readonly runtime: string
  readonly program: string
  readonly args: readonly string[]
}

const scratch = fileURLToPath(new URL('../../.scratch/', import.meta.url))

/** The folder of the rivals that npm installs. It is not node_modules, because ws would then use bufferutil in our own tests too. */
export const rivalsFolder = join(scratch, 'rivals')

const { rivals: rivalVersions } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  readonly rivals: Readonly<Record<string, string>>
}

/** Each rival on each of these versions of Node, or on its own runtime. Missing packages are fetched from npm. */
export function findContenders(rivals: readonly Rival[], nodes: readonly number[]): Contender[] {
  const places = rivals.flatMap((rival) => runtimesOf(rival, nodes).map((runtime) => ({ rival, runtime })))
  const foreign = runtimes.filter(({ name }) => places.some(({ runtime }) => runtime === name && name !== ownNode))
  const programs = fetchRuntimes(foreign, join(scratch, 'runtimes'))
  if (rivals.some(({ isPackage }) => isPackage)) fetchRivals()
  return places.map(({ rival, runtime }) => {
    const known = foreign.find(({ name }) => name === runtime)
    const [major] = runtime.split(' ').slice(-1)
    return {
      id: rival.runsOn === 'Node' ? `${rival.id}@${major}` : rival.id,
      name:
        rival.runsOn === 'Node' || isOurs(rival) || rival.wsApi !== undefined ? `${rival.name}, ${runtime}` : runtime,
      rival,
      runtime: `${rival.runsOn} ${known?.version ?? process.versions.node}`,
      program: programs.get(runtime) ?? process.execPath,
      args: known?.args ?? [],
    }
  })
}

const ownNode = `Node ${Number.parseInt(process.versions.node, 10)}`

function runtimesOf({ runsOn, since = 0 }: Rival, nodes: readonly number[]): string[] {
  if (runsOn === 'Node') return nodes.filter((node) => node >= since).map((node) => `Node ${node}`)
  return runtimes.filter(({ name }) => name.startsWith(runsOn)).map(({ name }) => name)
}

/** The package of bufferutil contains its binaries and finds them when it is loaded, so its install script need not run. */
function fetchRivals(): void {
  const isThere = Object.entries(rivalVersions).every(([name, version]) => {
    const manifest = join(rivalsFolder, 'node_modules', name, 'package.json')
    return (
      existsSync(manifest) && (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version === version
    )
  })
  if (isThere) return
  console.error(`Fetching ${Object.keys(rivalVersions).join(', ')} from npm ...`)
  installPackages(rivalsFolder, rivalVersions)
}

export function rivalVersionsOf(): Readonly<Record<string, string>> {
  return rivalVersions
}
