import { mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/**
 * The folder that this command keeps things in from one run to the next: `.twoway` in the user's own, or what
 * TWOWAY_HOME names. Made where it is missing, for the user alone; throws where it can't be.
 */
export function ownFolder(): string {
  const { TWOWAY_HOME: named } = process.env
  const folder = named || join(homedir(), '.twoway')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return folder
}
