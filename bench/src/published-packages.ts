import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import type { Rival } from './rival.js'

/** The packages that the programs under test import, by the names of their folders. */
const packages = { twoway: 'twoway', ws: '@twoway/ws' } as const

const root = new URL('../../', import.meta.url)

const { stage } = createRequire(import.meta.url)('../../scripts/pack.cjs') as {
  readonly stage: (name: string, folder: string, options: { readonly declares: boolean }) => Promise<void>
}

const folder = fileURLToPath(new URL(`.scratch/bench/${process.pid}`, root))

/** The folder of the programs under test, where they find the packages of this checkout or an earlier Twoway. */
export function programsOf({ packageFolder }: Rival): string {
  return join(folder, packageFolder === undefined ? 'now' : 'before')
}

/**
 * Copies the programs under test to a folder with the packages as they are published: a user's process loads these bundles, not
 * the modules of a build, which take more memory. The folder is removed when this process ends.
 */
export async function stagePrograms(rivals: readonly Rival[]): Promise<void> {
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const places = new Map(rivals.map((rival) => [programsOf(rival), rival.packageFolder]))
  for (const [programs, packageFolder] of places) {
    const modules = join(programs, 'node_modules')
    mkdirSync(modules, { recursive: true })
    cpSync(fileURLToPath(new URL('bench/dist', root)), programs, { recursive: true })
    writeFileSync(join(programs, 'package.json'), JSON.stringify({ type: 'module' }))
    if (packageFolder === undefined) await stageOwn(modules)
    else symlinkSync(resolve(packageFolder), join(modules, 'twoway'), 'dir')
  }
}

async function stageOwn(modules: string): Promise<void> {
  for (const [name, published] of Object.entries(packages)) {
    await stage(name, join(modules, published), { declares: false })
  }
}

/** Whether a folder has the package of a Twoway, with the modules that its users import. */
export function isTwoway(path: string): boolean {
  const manifest = join(path, 'package.json')
  if (!existsSync(manifest) || !existsSync(join(path, 'dist'))) return false
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { name?: string }).name === 'twoway'
}
