/** The process of `ShortCommands`: runs each command whose arguments the parent sends, and sends its output and exit code. */

import { PassThrough } from 'node:stream'
import type { Ending } from './echo-process.js'
import type { ShortCommand } from './short-commands.js'

const main = new URL('dist/main.js', import.meta.resolve('@twoway/cli/package.json'))

/** Milliseconds after which a command is given up that has not ended, such as one that listens. */
const longestMs = 60_000

/** Thrown in place of the exit of the process. */
class Exit extends Error {}

let count = 0

async function run({ args, input }: ShortCommand): Promise<Ending> {
  const written = { stdout: '', stderr: '' }
  const original = { exit: process.exit, stdout: process.stdout.write, stderr: process.stderr.write }
  const late = setTimeout(() => {
    process.stderr.write = original.stderr
    console.error(`twoway ${args.join(' ')} does not end`)
    original.exit.call(process, 1)
  }, longestMs)
  for (const name of ['stdout', 'stderr'] as const) {
    process[name].write = (text: string | Uint8Array) => {
      written[name] += text
      return true
    }
  }
  // A command may destroy its input.
  Object.defineProperty(process, 'stdin', { value: new PassThrough().end(input), configurable: true })
  process.argv = [process.execPath, main.pathname, ...args]
  process.exitCode = undefined
  process.exit = (code) => {
    if (typeof code === 'number') process.exitCode = code
    throw new Exit()
  }
  try {
    // A module for each command: the same one runs only once.
    await import(`${main.href}?command=${count++}`)
  } catch (error) {
    if (!(error instanceof Exit)) throw error
  } finally {
    clearTimeout(late)
    process.exit = original.exit
    process.stdout.write = original.stdout
    process.stderr.write = original.stderr
  }
  const code = Number(process.exitCode ?? 0)
  process.exitCode = undefined
  return { code, signal: null, ...written }
}

// Each command adds listeners to them.
process.setMaxListeners(0)
process.stdout.setMaxListeners(0)
process.stderr.setMaxListeners(0)
process.on('message', async (command) => process.send!(await run(command as ShortCommand)))
