import { mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/**
 * The folder in which this command keeps files between runs: `.twoway` in the home directory, or TWOWAY_HOME. It is
 * created if it is missing, accessible only to the user. Throws if it can't be created.
 */
export function ownFolder(): string {
  const { TWOWAY_HOME: named } = process.env
  const folder = named || join(homedir(), '.twoway')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return folder
}
