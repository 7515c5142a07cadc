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
    .argument('<url>', 'the server, best one that echoes; a port alone is one of this machine')
    .summary('load a WebSocket server, and measure it')
    .description(
      'Loads a WebSocket server with messages and measures how it fares: how fast it connects, what goes through, how long an answer takes. An answer is what comes next on a connection; a server that echoes gives one for each message.',
    )
  addConnectionOptions(command)
    .option('-c, --connections <n>', 'connections at a time', numberFrom(1, 100_000, true), 10)
    .option('-d, --duration <seconds>', 'how long to send', numberFrom(0.1, 86_400), 10)
    .option('-r, --rate <n>', 'messages a second of all together; else as fast as answers come', numberFrom(0.1, 1e7))
    .option(
      '--in-flight <n>',
      'messages of a connection that wait for answers, without --rate',
      numberFrom(1, 10_000, true),
      1,
    )
    .option(
      '--size <bytes>',
      'length of a message, such as 16, 4k or 1m; several by commas are sent in turn',
      toSizes,
      [64],
    )
    .option('--binary', 'send binary messages; else text')
    .option('--one-way', 'wait for no answers: send as fast as the network takes it, or at --rate')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      '\nCtrl+C ends it early and still tells what was measured.' +
        '\nExit codes: 0 done, 1 a wrong option, 2 no connection, 3 some connections failed or were lost.' +
        '\n\nFor example:\n  twoway bench 8080 -c 100 -d 30\n  twoway bench wss://example.com/echo --rate 1000 --size 16,1k,64k',
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

/** Two bars on stderr, one for connecting and then one for sending; none where nobody would see them move. */
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
    throw new InvalidArgumentError('Write bytes up to 16m, such as 16, 4k or 1m')
  })
}
