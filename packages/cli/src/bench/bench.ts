import cliProgress from 'cli-progress'
import { type Command, InvalidArgumentError } from 'commander'
import { printable } from 'twoway'
import { coloursFor } from '../colours.js'
import { ExitCode } from '../command-failure.js'
import {
  addConnectionOptions,
  type ConnectionOptions,
  completeUrl,
  numberFrom,
  toStreamOptions,
} from '../connect/connection-options.js'
import { explainFailure } from '../connect/explain-failure.js'
import { withoutCredentials } from '../connect/without-credentials.js'
import { stopSignal } from '../stop-signal.js'
import { tell } from '../tell.js'
import { benchReport, benchResult, count } from './bench-report.js'
import { BenchRun } from './bench-run.js'

interface BenchOptions extends ConnectionOptions {
  readonly connections: number
  readonly duration: number
  readonly rate?: number
  readonly inFlight: number
  readonly size: readonly number[]
  readonly binary?: true
  readonly oneWay?: true
  readonly json?: true
}

const longestMessage = 16 << 20
const units: { readonly [unit: string]: number } = { '': 1, k: 1 << 10, m: 1 << 20 }

/** Adds the command `twoway bench`: a load test of any WebSocket server. */
export function addBench(program: Command): void {
  const command = program
    .command('bench')
    .argument('<url>', 'the server to test; a port alone means ws://127.0.0.1:PORT')
    .summary('test a WebSocket server under load')
    .description(
      'Sends messages to a WebSocket server and measures how fast it accepts connections, its throughput and its latency. Each message that a connection receives counts as the answer to its oldest unanswered message, so the server should send one message for each one that it receives, as an echo service does.',
    )
  addConnectionOptions(command)
    .option('-c, --connections <n>', 'number of connections', numberFrom(1, 100_000, true), 10)
    .option('-d, --duration <seconds>', 'how long to send messages', numberFrom(0.1, 86_400), 10)
    .option(
      '-r, --rate <n>',
      'messages per second, all connections together; without it, each answer triggers the next message',
      numberFrom(0.1, 1e7),
    )
    .option('--in-flight <n>', 'unanswered messages per connection, without --rate', numberFrom(1, 10_000, true), 1)
    .option('--size <bytes>', 'message length, such as 16, 4k or 1m; a list with commas is used in turn', toSizes, [64])
    .option('--binary', 'send binary messages instead of text')
    .option('--one-way', 'do not wait for answers: send as fast as the network allows, or at --rate')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      '\nCtrl+C ends the test early and still prints the result.' +
        '\nExit codes: 0 success, 1 invalid option, 2 no connection,\n3 some connections failed or were lost.' +
        '\n\nExamples:\n  twoway bench 8080 -c 100 -d 30\n  twoway bench wss://example.com/echo --rate 1000 --size 16,1k,64k',
    )
    .action(bench)
}

async function bench(address: string, options: BenchOptions): Promise<void> {
  const url = completeUrl(address)
  const { connections, duration, rate, inFlight, size, binary, oneWay, json } = options
  const { signal: _, ...connection } = toStreamOptions(options)
  const stop = new AbortController()
  const run = new BenchRun(
    {
      url,
      options: connection,
      connections,
      durationMs: duration * 1000,
      rate,
      inFlight,
      oneWay: oneWay === true,
      messages: size.map((length) => (binary ? new Uint8Array(length).fill(0x78) : 'x'.repeat(length))),
    },
    stop.signal,
  )
  void stopSignal().then(() => stop.abort())
  const shown = showProgress(run, options)
  try {
    await run.connect()
    if (run.counts.connected === 0 && run.firstFailure !== undefined) throw explainFailure(run.firstFailure, url)
    await run.send()
  } finally {
    shown.end()
  }
  await run.close()
  if (run.firstFailure !== undefined) tell(`twoway: ${explainFailure(run.firstFailure, url).message}.`)
  const server = withoutCredentials(url)
  console.log(
    json
      ? printable(JSON.stringify(benchResult(server, run)), { as: 'json' })
      : benchReport(printable(server), run, coloursFor(process.stdout)),
  )
  process.exitCode = run.counts.failed + run.counts.lost > 0 ? ExitCode.abnormal : ExitCode.clean
}

/** Two bars on stderr, one for connecting and then one for sending; none if stderr is no terminal. */
function showProgress(run: BenchRun, { connections, duration, json }: BenchOptions): { end(): void } {
  if (json || !process.stderr.isTTY) return { end() {} }
  const colours = coloursFor(process.stderr)
  const look = { stream: process.stderr, barsize: 30, hideCursor: true, gracefulExit: false, emptyOnZero: true }
  const shades = cliProgress.Presets.shades_classic
  const connecting = new cliProgress.SingleBar(
    { ...look, format: `Connecting  ${colours.green('{bar}')} {value} of {total}` },
    shades,
  )
  const sending = new cliProgress.SingleBar(
    {
      ...look,
      format: `Sending     ${colours.cyan('{bar}')} {percentage}%  {perSecond} messages/s  p50 {p50} ms  p99 {p99} ms{trouble}`,
    },
    shades,
  )
  connecting.start(connections, 0)
  let startedAt: number | undefined
  let before = { at: performance.now(), received: 0 }
  const show = (): void => {
    const { connected, failed, lost, received, sent } = run.counts
    connecting.update(connected + failed)
    if (connected + failed < connections || connected === 0) return
    const now = performance.now()
    if (startedAt === undefined) {
      startedAt = now
      connecting.stop()
      sending.start(duration * 1000, 0, { perSecond: 0, p50: '-', p99: '-', trouble: '' })
    }
    const done = received > 0 ? received : sent
    const perSecond = count(((done - before.received) / Math.max(1, now - before.at)) * 1000)
    before = { at: now, received: done }
    const [p50, p99] = [50, 99].map((percent) => (received > 0 ? run.latencies.percentile(percent).toFixed(2) : '-'))
    const trouble = failed + lost > 0 ? colours.red(`  ${failed + lost} lost`) : ''
    sending.update(Math.min(duration * 1000, now - startedAt), { perSecond, p50, p99, trouble })
  }
  const timer = setInterval(show, 200)
  return {
    end() {
      clearInterval(timer)
      show()
      connecting.stop()
      sending.stop()
    },
  }
}

function toSizes(text: string): readonly number[] {
  return text.split(',').map((part) => {
    const [, digits = '', unit = ''] = /^(\d{1,9})([km]?)$/i.exec(part.trim()) ?? []
    const size = Number(digits) * units[unit.toLowerCase()]!
    if (digits !== '' && size <= longestMessage) return size
    throw new InvalidArgumentError('Give a number of bytes up to 16m, such as 16, 4k or 1m')
  })
}
