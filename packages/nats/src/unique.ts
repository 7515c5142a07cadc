import { randomBytes } from 'node:crypto'

/** 64 random bits of this process: a message would spend much of its time on random bits of its own. */
const start = randomBytes(8).toString('hex')
let made = 0

/** A text of letters and digits that no process has made before. */
export function unique(): string {
  made += 1
  return `${start}${made.toString(36)}`
}
