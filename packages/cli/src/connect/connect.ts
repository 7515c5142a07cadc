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
/** The most characters of the URL that are shown. */
const longestShown = 500

/** Adds the command `twoway connect`: a conversation with any WebSocket server. */
export function addConnect(program: Command): void {
  const command = program
    .command('connect')
    .argument('<url>', 'the server, such as wss://example.com/chat; a port alone means ws://127.0.0.1:PORT')
    .summary('talk to a WebSocket server')
    .description(
      'Talks to a WebSocket server. In a terminal, each line that you type is sent as a message, and received messages are shown. Otherwise each line of the input is a message to send, and each received message is a line of the output. Output to a pipe or a file is unchanged; output to a terminal has control characters escaped.',
    )
  addConnectionOptions(command)
    .addOption(
      new Option('--binary <form>', 'send binary messages; each line is hex, base64 or the name of a file').choices(
        binaryFormNames,
      ),
    )
    .option(
      '--ping-interval <seconds>',
      'send a Ping at this interval, and measure the round trip',
      numberFrom(0.1, longestSeconds),
    )
    .option(
      '--ping-timeout <seconds>',
      'end with exit code 3 if such a Ping is not answered in time',
      numberFrom(0.1, longestSeconds),
      10,
    )
    .option('--reconnect', 'connect again if the connection is lost, with growing delays')
    .option('--expect <n>', 'close after this many messages; exit code 3 if fewer arrive', numberFrom(1, 1e9, true))
    .option('--timeout <seconds>', 'close after this time', numberFrom(0.001, longestSeconds))
    .option(
      '--linger <seconds>',
      'after the end of the input, close when nothing has arrived for this time',
      numberFrom(0, longestSeconds),
      1,
    )
    .option('--json', 'print each event as a line of JSON')
    .option('--raw', 'show JSON unchanged, not indented')
    .option('--no-history', 'do not save the lines that you type')
    .option('--verbose', 'report other events on stderr, if this is not a terminal')
    .addHelpText('after', `\nCommands in a terminal:\n${slashHelp()}`)
    .addHelpText(
      'after',
      '\nExit codes: 0 closed cleanly, 1 invalid option, 2 no connection,\n3 not closed cleanly.' +
        '\n\nExamples:\n  twoway connect wss://example.com/chat -H "Authorization: Bearer TOKEN"' +
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
  // Used until the editor exists.
  let print = (text: string): void => console.log(text)
  const report = terminalReport({ colours, raw: options.raw, print: (text) => print(text) })
  // The editor has already echoed the line.
  const talk = start(url, options, (event) =>
    event.event === 'sent' && typeof event.message === 'string' ? undefined : report(event),
  )
  // Text that is not a URL is refused at once and not repeated: it may contain a password.
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
    throw new CommandFailure(`unknown command ${name}: /help lists the commands, and //text sends /text`)
  } else if (!talk.isOpen) throw new CommandFailure('not connected: this message was not sent')
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
  // Handled below, after the conversation.
  sending.catch(() => {})
  const ending = await talk.run()
  over.abort()
  process.stdin.destroy()
  await sending
  if (ending.failure !== undefined || expect === undefined || received >= expect) return ending
  const seconds = isLate ? ` within ${timeout} s` : ''
  throw new CommandFailure(`${received} of ${expect} expected messages arrived${seconds}`, ExitCode.abnormal)
}

/** Sends each line of the input, and closes when the input has ended and nothing has arrived for a while. */
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
  // Without input, the user wants to listen; --expect and --timeout say when to end.
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
