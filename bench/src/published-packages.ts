import { cpSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { earlierTwoway, type Rival } from './rival.js'

/** The packages that the programs under test import, by the names of their folders. */
const packages = { twoway: 'twoway', ws: '@twoway/ws' } as const

const root = new URL('../../', import.meta.url)

const { stage } = createRequire(import.meta.url)('../../scripts/pack.cjs') as {
  readonly stage: (name: string, folder: string, options: { readonly declares: boolean }) => Promise<void>
}

const folder = fileURLToPath(new URL(`.scratch/bench/${process.pid}`, root))

/** The folder of the programs under test, where they find the packages of this checkout or the earlier Twoway. */
export function programsOf({ isEarlier }: Rival): string {
  return join(folder, isEarlier === true ? 'before' : 'now')
}

/**
 * Copies the programs under test to a folder with the packages as they are published: a user's process loads these bundles, not
 * the modules of a build, which take more memory. The folder is removed when this process ends.
 * @param rivals those that are measured
 * @param before the folder of the package of an earlier Twoway, if that is one of them
 */
export async function stagePrograms(rivals: readonly Rival[], before: string | undefined): Promise<void> {
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  for (const programs of new Set(rivals.map(programsOf))) {
    const modules = join(programs, 'node_modules')
    mkdirSync(modules, { recursive: true })
    cpSync(fileURLToPath(new URL('bench/dist', root)), programs, { recursive: true })
    writeFileSync(join(programs, 'package.json'), JSON.stringify({ type: 'module' }))
    if (programs === programsOf(earlierTwoway)) {
      symlinkSync(resolve(before!), join(modules, 'twoway'), 'dir')
      continue
    }
    for (const [name, published] of Object.entries(packages)) {
      await stage(name, join(modules, published), { declares: false })
    }
  }
}

/** Whether a folder has the package of a Twoway, with what its programs import. */
export function isTwoway(path: string): boolean {
  return existsSync(join(path, 'package.json')) && existsSync(join(path, 'dist'))
}
