import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import { type Command, Option } from 'commander'
import { printable } from 'twoway'
import { coloursFor } from '../colours.js'
import { CommandFailure, ExitCode } from '../command-failure.js'
import { stopSignal } from '../stop-signal.js'
import { type BinaryForm, binaryFormNames, binaryForms } from '../talk/binary-form.js'
import { jsonReport } from '../talk/json-report.js'
import { LineEditor } from '../talk/line-editor.js'
import { plainReport } from '../talk/plain-report.js'
import type { Message, Report } from '../talk/talk-event.js'
import { terminalReport } from '../talk/terminal-report.js'
import { TextOutput } from '../talk/text-output.js'
import {
  addConnectionOptions,
  type ConnectionOptions,
  completeUrl,
  numberFrom,
  toStreamOptions,
} from './connection-options.js'
import { Conversation, type Ending } from './conversation.js'
import { explainFailure } from './explain-failure.js'
import { slashCommands, slashHelp } from './slash-commands.js'
import { withoutCredentials } from './without-credentials.js'

interface ConnectOptions extends ConnectionOptions {
  readonly binary?: BinaryForm
  readonly pingInterval?: number
  readonly pingTimeout: number
  readonly reconnect?: true
  readonly expect?: number
  readonly timeout?: number
  readonly linger: number
  readonly json?: true
  readonly raw?: true
  readonly verbose?: true
  readonly history: boolean
}

const longestSeconds = 1_000_000
/** Characters of the URL that is shown. */
const longestShown = 500

/** Adds the command `twoway connect`: a talk with any WebSocket server. */
export function addConnect(program: Command): void {
  const command = program
    .command('connect')
    .argument('<url>', 'where to connect, such as wss://example.com/chat; a port alone is one of this machine')
    .summary('talk to a WebSocket server')
    .description(
      'Talks to a WebSocket server. In a terminal, what you type is sent and what comes is shown. Otherwise each line of the input is sent, and each message that comes is a line of the output: as it came where that is a pipe or a file, printable where it is a terminal.',
    )
  addConnectionOptions(command)
    .addOption(
      new Option('--binary <form>', 'lines stand for binary messages: in hex, in base64, or names of files').choices(
        binaryFormNames,
      ),
    )
    .option('--ping-interval <seconds>', 'send a Ping so often, and time its Pong', numberFrom(0.1, longestSeconds))
    .option(
      '--ping-timeout <seconds>',
      'end where such a Ping has no answer for so long; exit code 3',
      numberFrom(0.1, longestSeconds),
      10,
    )
    .option('--reconnect', 'connect again when the connection is lost, each time after a longer wait')
    .option('--expect <n>', 'close after so many messages; exit code 3 where fewer come', numberFrom(1, 1e9, true))
    .option('--timeout <seconds>', 'close after so long', numberFrom(0.001, longestSeconds))
    .option(
      '--linger <seconds>',
      'close when the input has ended and so long nothing came',
      numberFrom(0, longestSeconds),
      1,
    )
    .option('--json', 'print what happens as lines of JSON')
    .option('--raw', 'show JSON as it came, not indented')
    .option('--no-history', 'do not keep what is typed for the next time')
    .option('--verbose', 'say on stderr what else happens, where this is no terminal')
    .addHelpText('after', `\nIn a terminal, a line may be a command:\n${slashHelp()}`)
    .addHelpText(
      'after',
      '\nExit codes: 0 a clean close, 1 a wrong option, 2 no connection, 3 not closed cleanly.' +
        '\n\nFor example:\n  twoway connect wss://example.com/chat -H "Authorization: Bearer TOKEN"' +
        '\n  echo hello | twoway connect 8080 --expect 1\n  twoway connect 8080 --json < /dev/null | jq .data',
    )
    .action(connect)
}

async function connect(address: string, options: ConnectOptions): Promise<void> {
  const url = completeUrl(address)
  const isTerminal = process.stdin.isTTY && process.stdout.isTTY && !options.json
  const ending = isTerminal ? await talkInTerminal(url, options) : await talkThroughPipes(url, options)
  process.exitCode = ending.exitCode
  if (ending.failure !== undefined) throw explainFailure(ending.failure, url)
}

async function talkInTerminal(url: string, options: ConnectOptions): Promise<Ending> {
  const colours = coloursFor(process.stdout)
  // What is there before the first line can be typed.
  let print = (text: string): void => console.log(text)
  const report = terminalReport({ colours, raw: options.raw, print: (text) => print(text) })
  // The line stands there already, in the editor's own echo.
  const talk = start(url, options, (event) =>
    event.event === 'sent' && typeof event.message === 'string' ? undefined : report(event),
  )
  // What is no URL is refused at once, and not repeated: there may be a password in it.
  const shown = URL.canParse(url) ? printable(withoutCredentials(url), { maxLength: longestShown }) : 'the server'
  print(colours.dim(`Connecting to ${shown} ... /help lists commands, Ctrl+C closes.`))
  const stop = stopOnce(talk)
  process.on('SIGTERM', stop)
  const editor = new LineEditor({
    prompt: colours.bold('> '),
    words: [...Object.keys(slashCommands), '/help'],
    keepsHistory: options.history,
    stop,
    line(text) {
      try {
        takeLine(talk, text, options.binary, (help) => editor.print(help))
      } catch (error) {
        if (!(error instanceof CommandFailure)) throw error
        editor.print(colours.red(printable(`${error.message}.`, { as: 'sentence' })))
      }
    },
  })
  print = (text) => editor.print(text)
  const ending = await talk.run()
  editor.close()
  return ending
}

function takeLine(
  talk: Conversation,
  text: string,
  binary: BinaryForm | undefined,
  print: (text: string) => void,
): void {
  if (text === '') return
  const [, name = '', rest = ''] = /^(\/\w*)\s*(.*)$/.exec(text) ?? []
  if (name === '/help') print(slashHelp())
  else if (Object.hasOwn(slashCommands, name)) slashCommands[name]!.run(talk, rest)
  else if (name !== '' && !text.startsWith('//')) {
    throw new CommandFailure(`there is no command ${name}: /help lists them, and //text sends /text`)
  } else if (!talk.isOpen) throw new CommandFailure('there is no connection now: this was not sent')
  else void talk.send(messageOf(text.startsWith('//') ? text.slice(1) : text, binary))
}

async function talkThroughPipes(url: string, options: ConnectOptions): Promise<Ending> {
  const { binary, expect, timeout, verbose, json } = options
  const output = new TextOutput(process.stdout)
  const report = json ? jsonReport(output, binary) : plainReport(output, binary, verbose)
  let received = 0
  let isLate = false
  const talk = start(url, options, report, () => {
    received += 1
    if (received === expect) talk.close(1000)
  })
  const over = new AbortController()
  const stop = stopOnce(talk)
  void stopSignal().then(stop)
  void output.gone.then(() => talk.close(1000))
  if (timeout !== undefined) {
    wait(timeout * 1000, undefined, { signal: over.signal })
      .then(() => {
        isLate = true
        talk.close(1000)
      })
      .catch(() => {})
  }
  const sending = sendLines(talk, options, () => received, over.signal)
  // Looked at below, when the talk is over.
  sending.catch(() => {})
  const ending = await talk.run()
  over.abort()
  process.stdin.destroy()
  await sending
  if (ending.failure !== undefined || expect === undefined || received >= expect) return ending
  const seconds = isLate ? ` within ${timeout} s` : ''
  throw new CommandFailure(`${received} of ${expect} expected messages came${seconds}`, ExitCode.abnormal)
}

/** Sends each line of the input. When that has ended, and nothing has come for a while, closes. */
async function sendLines(
  talk: Conversation,
  { binary, expect, timeout, linger }: ConnectOptions,
  received: () => number,
  over: AbortSignal,
): Promise<void> {
  let sent = 0
  try {
    const lines = createInterface({
      input: process.stdin,
      crlfDelay: Number.POSITIVE_INFINITY,
      signal: over,
    })
    for await (const line of lines) {
      if (!(await talk.send(messageOf(line, binary)))) return
      sent += 1
    }
  } catch (error) {
    if (!over.aborted) {
      talk.close(1000)
      throw error
    }
  }
  // Who sends nothing came to listen; and who expects something, or gives it a time, has said when to end.
  if (sent === 0 || expect !== undefined || timeout !== undefined) return
  for (let before = -1; before !== received() && !over.aborted; ) {
    before = received()
    await wait(linger * 1000, undefined, { signal: over }).catch(() => {})
  }
  if (!over.aborted) talk.close(1000)
}

function start(url: string, options: ConnectOptions, report: Report, onMessage?: () => void): Conversation {
  const { reconnect, pingInterval, pingTimeout } = options
  return new Conversation({
    url,
    stream: toStreamOptions(options),
    report,
    reconnects: reconnect === true,
    pingIntervalMs: pingInterval === undefined ? undefined : pingInterval * 1000,
    pingTimeoutMs: pingTimeout * 1000,
    onMessage,
  })
}

/** Closes at the first call, ends the process at the second. */
function stopOnce(talk: Conversation): () => void {
  let isStopping = false
  return () => {
    if (isStopping) process.exit(130)
    isStopping = true
    talk.close(1000)
  }
}

function messageOf(line: string, binary: BinaryForm | undefined): Message {
  return binary === undefined ? line : binaryForms[binary].parse(line)
}
