import { spawnSync } from 'node:child_process'
import { installFromDebian } from '../debian-packages.js'

/** Installs Debian's package of a server if its program is missing. */
export function fetchServer(program: string): void {
  if (spawnSync(program, ['--version']).status === 0) return
  installFromDebian([program], `there is no ${program}`)
}
