import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { CommandFailure } from './command-failure.js'
import { tell, tellLines } from './tell.js'
import { usageComplaint } from './usage-complaint.js'

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }

const program = new Command('twoway')
  .description('WebSocket tools for the command line.')
  .version(version, '-v, --version', 'print the version')
  .helpOption('-h, --help', 'print this help')
  .helpCommand(false)
  .addHelpText(
    'after',
    '\nExamples:\n  twoway echo\n  twoway echo --port 9000 --host 0.0.0.0\n  twoway connect ws://127.0.0.1:8080\n  twoway bench ws://127.0.0.1:8080\n  twoway echo --help',
  )

/** Each command in a module that is loaded only where it is needed: all of them take twice as long to load. */
const commands: { readonly [name: string]: () => Promise<(program: Command) => void> } = {
  echo: async () => (await import('./echo/echo.js')).addEcho,
  connect: async () => (await import('./connect/connect.js')).addConnect,
  listen: async () => (await import('./listen/listen.js')).addListen,
  bench: async () => (await import('./bench/bench.js')).addBench,
}

const args = process.argv.slice(2)
const asked = args[0] ?? '--help'
// The help lists all commands, and a misspelt name is compared with all.
const needed = Object.hasOwn(commands, asked) ? [asked] : Object.keys(commands)
for (const name of needed) (await commands[name]!())(program)
for (const command of [program, ...program.commands]) {
  command.configureOutput({
    outputError: (text, write) =>
      write(`${usageComplaint(text, command === program ? 'twoway' : `twoway ${command.name()}`)}\n`),
  })
}

// The reader of our output may exit first, as in `twoway echo | head -1`; then there is nothing to report.
process.stdout.on('error', () => {})
process.stderr.on('error', () => {})

try {
  await program.parseAsync(args.length === 0 ? ['--help'] : args, { from: 'user' })
} catch (error) {
  if (!(error instanceof CommandFailure)) throw error
  tell(`twoway: ${error.message}.`)
  if (error.details !== '') tellLines(error.details.replace(/^/gm, '  '))
  process.exitCode = error.exitCode
}
