import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { addBench } from './bench/bench.js'
import { CommandFailure } from './command-failure.js'
import { addConnect } from './connect/connect.js'
import { addEcho } from './echo/echo.js'
import { addListen } from './listen/listen.js'

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }

const program = new Command('twoway')
  .description('WebSocket from the command line.')
  .version(version, '-v, --version', 'print the version')
  .helpOption('-h, --help', 'print this help')
  .helpCommand(false)
  .addHelpText(
    'after',
    '\nFor example:\n  twoway echo\n  twoway echo --port 9000 --host 0.0.0.0\n  twoway connect ws://127.0.0.1:8080\n  twoway bench ws://127.0.0.1:8080\n  twoway echo --help',
  )
addEcho(program)
addConnect(program)
addListen(program)
addBench(program)
for (const command of [program, ...program.commands]) {
  command.configureOutput({ outputError: (text, write) => write(usageComplaint(text, command)) })
}

// Who reads our output may have gone before us, as `twoway echo | head -1` has: nobody is left to tell.
process.stdout.on('error', () => {})

const args = process.argv.slice(2)
try {
  await program.parseAsync(args.length === 0 ? ['--help'] : args, { from: 'user' })
} catch (error) {
  if (!(error instanceof CommandFailure)) throw error
  console.error(`twoway: ${error.message}.`)
  if (error.details !== '') console.error(error.details.replace(/^/gm, '  '))
  process.exitCode = error.exitCode
}

/** What commander has to say of wrong arguments, as one line like our own complaints. */
function usageComplaint(text: string, command: Command): string {
  const name = command === program ? 'twoway' : `twoway ${command.name()}`
  const sentence = text
    .trim()
    .replace(/^error: /, '')
    .replace('. Expected', ': expected')
    .replace(/\s+/g, ' ')
  return `twoway: ${sentence.endsWith('?)') ? sentence : `${sentence.replace(/\.$/, '')}; see ${name} --help.`}\n`
}
