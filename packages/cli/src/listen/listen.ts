import { createInterface } from 'node:readline'
import { type Command, Option } from 'commander'
import { printable } from 'twoway'
import { type IncomingRequest, type Server, serve, type UpgradeAnswer } from 'twoway/server'
import { coloursFor } from '../colours.js'
import { CommandFailure } from '../command-failure.js'
import {
  addListenOptions,
  howToTrust,
  type ListenAddress,
  type ListenOptions,
  listenAsAsked,
} from '../listening/listen-options.js'
import {
  addPageOptions,
  isPageByForeignName,
  type PageArguments,
  pageOptionsOf,
  refuseName,
  tellOfRefusedPage,
} from '../listening/own-pages.js'
import { stopSignal } from '../stop-signal.js'
import { type BinaryForm, binaryFormNames, binaryForms } from '../talk/binary-form.js'
import { jsonReport } from '../talk/json-report.js'
import { LineEditor } from '../talk/line-editor.js'
import { plainReport } from '../talk/plain-report.js'
import type { Message, Report } from '../talk/talk-event.js'
import { terminalReport } from '../talk/terminal-report.js'
import { TextOutput } from '../talk/text-output.js'
import { tell, tellLines } from '../tell.js'
import { PacedReports } from './paced-reports.js'

interface ListenCommandOptions extends ListenOptions, PageArguments {
  readonly subprotocol?: string
  readonly binary?: BinaryForm
  readonly json?: true
  readonly raw?: true
  readonly verbose?: true
  readonly history: boolean
}

/** A client, identified by a number. */
interface Client {
  readonly client: number
}

/** 16 MiB, as in the echo service. */
const longestMessage = 16 << 20
/** The most characters of a path that are shown in the list of clients. */
const longestPath = 200

/** Adds the command `twoway listen`: a server to test clients against. */
export function addListen(program: Command): void {
  const command = program
    .command('listen')
    .summary('run a server and talk to its clients')
    .description(
      'Runs a WebSocket server that accepts any client that is not a browser, on any path, and pages of other origins with --any-origin. In a terminal, each line that you type is sent to all clients, and received messages are shown. Otherwise each line of the input is sent to all clients, and each received message is a line of the output. Output to a pipe or a file is unchanged; output to a terminal has control characters escaped.',
    )
  addPageOptions(addListenOptions(command))
    .option('-s, --subprotocol <name>', 'choose this subprotocol if a client offers it, instead of its first')
    .addOption(
      new Option('--binary <form>', 'send binary messages; each line is hex, base64 or the name of a file').choices(
        binaryFormNames,
      ),
    )
    .option('--json', 'print each event as a line of JSON')
    .option('--raw', 'show JSON unchanged, not indented')
    .option('--no-history', 'do not save the lines that you type')
    .option('--verbose', 'report clients on stderr, if this is not a terminal')
    .addHelpText('after', `\nCommands in a terminal:\n${listenHelp()}`)
    .action(listen)
}

function listenHelp(): string {
  return [
    '  /clients                list the connected clients',
    '  /to N TEXT              send to client N only',
    '  /close [CODE [REASON]]  close all connections with 1000, or with another code',
    '  /help                   print this help',
    '  //text                  send /text',
    '  Ctrl+C or Ctrl+D closes all connections; press Ctrl+C again to exit at once',
  ].join('\n')
}

async function listen(options: ListenCommandOptions): Promise<void> {
  const isTerminal = process.stdin.isTTY && process.stdout.isTTY && !options.json
  if (isTerminal) await listenInTerminal(options)
  else await listenThroughPipes(options)
}

async function listenInTerminal(options: ListenCommandOptions): Promise<void> {
  const colours = coloursFor(process.stdout)
  let print = (text: string): void => console.log(text)
  const report = terminalReport({ colours, raw: options.raw, print: (text) => print(text) })
  const { server, identity } = await listenAsAsked(options, (address) => startListening(address, options, report))
  tellOfRefusedPage(server, (sentence) => print(colours.dim(sentence)))
  await report({ event: 'listening', url: server.url })
  if (identity?.file !== undefined) print(colours.dim(howToTrust(identity.file).join('\n')))
  print(colours.dim('Each line that you type is sent to all clients. /help lists commands, Ctrl+C stops.'))
  await new Promise<void>((resolve) => {
    let isStopping = false
    const stop = (): void => {
      if (isStopping) process.exit(130)
      isStopping = true
      void server.close().then(() => {
        editor.close()
        resolve()
      })
    }
    const editor = new LineEditor({
      prompt: colours.bold('> '),
      words: ['/clients', '/to ', '/close', '/help'],
      keepsHistory: options.history,
      stop,
      line(text) {
        try {
          takeLine(server, text, options.binary, (line) => editor.print(line))
        } catch (error) {
          // A UsageError of the library says why a close code is invalid.
          editor.print(colours.red(printable(`${(error as Error).message}.`, { as: 'sentence' })))
        }
      },
    })
    print = (text) => editor.print(text)
    process.on('SIGTERM', stop)
  })
}

function takeLine(
  server: Server<Client>,
  text: string,
  binary: BinaryForm | undefined,
  print: (text: string) => void,
): void {
  if (text === '') return
  const [, name = '', rest = ''] = /^(\/\w*)\s*(.*)$/.exec(text) ?? []
  const commands: { readonly [name: string]: () => void } = {
    '/help': () => print(listenHelp()),
    '/clients': () => print(listClients(server)),
    '/to': () => sendToOne(server, rest, binary),
    '/close': () => {
      const [, code = '', reason = ''] = /^(\d*)\s*(.*)$/.exec(rest) ?? []
      for (const socket of server.connections) socket.close(code === '' ? 1000 : Number(code), reason)
    },
  }
  if (Object.hasOwn(commands, name)) commands[name]!()
  else if (name !== '' && !text.startsWith('//')) {
    throw new CommandFailure(`unknown command ${name}: /help lists the commands, and //text sends /text`)
  } else {
    const message = messageOf(text.startsWith('//') ? text.slice(1) : text, binary)
    if (server.connections.size === 0) throw new CommandFailure('no client is connected: this message was not sent')
    for (const socket of server.connections) socket.send(message)
  }
}

function sendToOne(server: Server<Client>, rest: string, binary: BinaryForm | undefined): void {
  const [, number = '', text = ''] = /^#?(\d+)\s?(.*)$/.exec(rest) ?? []
  const socket = [...server.connections].find(({ data }) => data.client === Number(number))
  if (socket === undefined) throw new CommandFailure(`there is no client ${number}: /clients lists them`)
  socket.send(messageOf(text, binary))
}

function listClients(server: Server<Client>): string {
  if (server.connections.size === 0) return 'No client is connected.'
  return [...server.connections]
    .map(
      ({ data, remoteAddress = '', request }) =>
        `  #${data.client}  ${remoteAddress}  ${printable(new URL(request.url).pathname, { maxLength: longestPath })}`,
    )
    .join('\n')
}

async function listenThroughPipes(options: ListenCommandOptions): Promise<void> {
  const output = new TextOutput(process.stdout)
  const report = options.json
    ? jsonReport(output, options.binary)
    : plainReport(output, options.binary, options.verbose)
  const { server, identity } = await listenAsAsked(options, (address) => startListening(address, options, report))
  tellOfRefusedPage(server, tell)
  const stopped = stopSignal()
  await report({ event: 'listening', url: server.url })
  if (identity?.file !== undefined) tellLines(howToTrust(identity.file).join('\n'))
  const over = new AbortController()
  const sending = sendLines(server, options.binary, over.signal)
  await Promise.race([stopped, output.gone, sending.then(() => stopped)])
  over.abort()
  process.stdin.destroy()
  await server.close()
}

/** Sends each line of the input to all clients, no faster than the slowest one reads. */
async function sendLines(server: Server<Client>, binary: BinaryForm | undefined, over: AbortSignal): Promise<void> {
  const lines = createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY, signal: over })
  for await (const line of lines) {
    const message = messageOf(line, binary)
    await Promise.all(
      [...server.connections].map((socket) =>
        socket.send(message) === 'buffered' ? socket.drained().catch(() => {}) : undefined,
      ),
    )
  }
}

/** Starts the server. It takes no more from clients than the report can tell of. */
async function startListening(
  address: ListenAddress,
  options: ListenCommandOptions,
  report: Report,
): Promise<Server<Client>> {
  const { subprotocol } = options
  const pages = pageOptionsOf(options)
  const reports = new PacedReports(report)
  let count = 0
  const accept = ({ protocols }: IncomingRequest): UpgradeAnswer<Client> => {
    count += 1
    const chosen = subprotocol !== undefined && protocols.includes(subprotocol) ? subprotocol : protocols[0]
    return { data: { client: count }, protocol: chosen }
  }
  const server: Server<Client> = await serve<Client>({
    ...address,
    origin: pages.anyOrigin === true ? 'any' : [],
    // Host names are checked below: the refusal says how to start the command.
    hosts: 'any',
    // The fields of a proxy are shown as they arrive, and decide nothing.
    trustedProxies: 0,
    maxMessageBytes: longestMessage,
    upgrade(request) {
      if (isPageByForeignName(request, server.url, pages)) return refuseName()
      const room = reports.room()
      return room === undefined ? accept(request) : room.then(() => accept(request))
    },
    open(socket) {
      const { data, request, protocol, extensions } = socket
      reports.tell(socket, { event: 'open', client: data.client, url: request.url, protocol, extensions })
    },
    message(socket, message) {
      reports.tell(socket, { event: 'message', client: socket.data.client, message })
    },
    error(socket, error) {
      reports.tell(socket, { event: 'error', client: socket?.data.client, message: error.message })
    },
    close(socket, { code, reason, wasClean }) {
      reports.tell(undefined, { event: 'close', client: socket.data.client, code, reason, wasClean })
    },
  })
  return server
}

function messageOf(line: string, binary: BinaryForm | undefined): Message {
  return binary === undefined ? line : binaryForms[binary].parse(line)
}
