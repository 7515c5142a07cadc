import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

/** The packages that the programs under test import, by the names of their folders. */
const packages = { twoway: 'twoway', ws: '@twoway/ws' } as const

const root = new URL('../../', import.meta.url)

const { stage } = createRequire(import.meta.url)('../../scripts/pack.cjs') as {
  readonly stage: (name: string, folder: string, options: { readonly declares: boolean }) => Promise<void>
}

/** The folder of the programs under test. */
export const programsFolder = fileURLToPath(new URL(`.scratch/bench/${process.pid}`, root))

/**
 * Copies the programs under test to a folder with the packages as they are published: a user's process loads these bundles, not
 * the modules of a build, which take more memory. The folder is removed when this process ends.
 */
export async function stagePrograms(): Promise<void> {
  process.once('exit', () => rmSync(programsFolder, { recursive: true, force: true }))
  mkdirSync(programsFolder, { recursive: true })
  cpSync(fileURLToPath(new URL('bench/dist', root)), programsFolder, { recursive: true })
  writeFileSync(join(programsFolder, 'package.json'), JSON.stringify({ type: 'module' }))
  for (const [folder, name] of Object.entries(packages)) {
    await stage(folder, join(programsFolder, 'node_modules', name), { declares: false })
  }
}
