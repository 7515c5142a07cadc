import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { WebSocketServer } from 'ws'
import { startCommandPeer } from './command-peer.js'
import { type Ending, startTwoway } from './echo-process.js'
import { ShortCommands } from './short-commands.js'
import { noTerminalBecause, TerminalProcess } from './terminal-process.js'

const folder = mkdtempSync(join(tmpdir(), 'twoway-bench-'))
const env = { TWOWAY_HOME: folder, NO_COLOR: '1' }
const noTerminal = noTerminalBecause()
const commands = new ShortCommands(env)

let server: WebSocketServer
let port: number

before(async () => {
  ;({ server, port } = await startCommandPeer())
})

after(() => {
  for (const client of server.clients) client.terminate()
  server.close()
  commands.end()
  rmSync(folder, { recursive: true })
})

describe('twoway bench', () => {
  async function bench(args: readonly string[]): Promise<Ending> {
    return await startTwoway(['bench', ...args], { env: { ...process.env, ...env } }).ended
  }

  it('measures a server of ws, and reports as JSON', async () => {
    const { code, stdout, stderr } = await bench([String(port), '-c', '3', '-d', '0.5', '--size', '16,1k', '--json'])
    assert.deepEqual([code, stderr], [0, ''])
    const result = JSON.parse(stdout)
    assert.deepEqual(result.connections, { made: 3, failed: 0, lost: 0 })
    assert.ok(result.sent.messages > 10)
    assert.ok(result.received.messages <= result.sent.messages)
    assert.ok(result.received.messages >= result.sent.messages - 3)
    const { count, minMs, p50Ms, p90Ms, p99Ms, p999Ms, maxMs } = result.latency
    assert.ok(count >= result.received.messages && result.connecting.each.count === 3)
    const inOrder = [minMs, p50Ms, p90Ms, p99Ms, p999Ms, maxMs]
    assert.deepEqual(
      inOrder,
      inOrder.toSorted((a, b) => a - b),
    )
    const counts = result.histogram.map((row: { count: number }) => row.count)
    assert.equal(
      counts.reduce((sum: number, one: number) => sum + one, 0),
      count,
    )
  })

  it('keeps to the given rate', async () => {
    const { stdout } = await bench([String(port), '-c', '2', '-d', '1', '--rate', '100', '--binary', '--json'])
    const { sent } = JSON.parse(stdout)
    // Never faster; on a busy machine it may be slower.
    assert.ok(sent.messages > 0 && sent.messagesPerSecond <= 101, String(sent.messagesPerSecond))
  })

  it('does not wait for answers with --one-way', async () => {
    const { code, stdout } = await bench([String(port), '-c', '1', '-d', '0.3', '--one-way', '--json'])
    assert.equal(code, 0)
    assert.ok(JSON.parse(stdout).sent.messages > 0)
  })

  it('prints the rates, the percentiles and a histogram', async () => {
    const { code, stdout } = await bench([String(port), '-c', '2', '-d', '0.3'])
    assert.equal(code, 0)
    assert.match(stdout, /Connections +2 made in .* per second\)/)
    assert.match(stdout, /Throughput +[\d,]+ messages\/s out/)
    assert.match(stdout, /Latency +p50 .* p90 .* p99 .* p99\.9 .* longest/)
    assert.match(stdout, /≤ .* ms {2}█/)
  })

  it('ends with 2 without a connection, and with 3 if connections are lost', async () => {
    const refused = await bench([`${port}/forbidden`, '-d', '0.3'])
    assert.equal(refused.code, 2)
    assert.match(refused.stderr, /refused the handshake with 403/)
    const lost = await bench([`${port}/drops`, '-c', '2', '-d', '0.5', '--json'])
    assert.deepEqual([lost.code, JSON.parse(lost.stdout).connections.lost], [3, 2])
  })

  it('prints its results if it is ended early', async () => {
    const twoway = startTwoway(['bench', String(port), '-c', '1', '-d', '60', '--json'], {
      env: { ...process.env, ...env },
    })
    const isBusy = new Promise<void>((resolve) => {
      server.once('connection', (socket) => socket.once('message', () => resolve()))
    })
    await isBusy
    twoway.child.kill('SIGINT')
    const { code, stdout } = await twoway.ended
    assert.equal(code, 0)
    assert.ok(JSON.parse(stdout).seconds < 60)
  })

  for (const [args, sentence] of [
    [['--size', '17m'], /'--size <bytes>' argument '17m' is invalid. Give a number of bytes up to 16m/],
    [['-c', '0'], /'-c, --connections <n>' argument '0' is invalid. Give a whole number from 1/],
  ] as const) {
    it(`refuses ${args.join(' ')}`, async () => {
      const { code, stderr } = await commands.run(['bench', String(port), ...args])
      assert.equal(code, 1)
      assert.match(stderr, sentence)
    })
  }

  it('has a progress bar in a terminal', { skip: noTerminal }, async () => {
    const terminal = new TerminalProcess(['bench', String(port), '-c', '2', '-d', '1'], env)
    await terminal.until(/Sending +[█░]+ +\d+%/)
    await terminal.until(/Latency +p50/)
    assert.equal(await terminal.ended, 0)
  })
})
