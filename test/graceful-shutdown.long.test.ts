import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as pass } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { WebSocket } from 'twoway'
import { gracefulShutdown, type ShutdownOptions, UsageError } from 'twoway/server'

const program = fileURLToPath(new URL('./shutdown-process.js', import.meta.url))

const namespace = ['--pid', '--fork', '--mount-proc', '--kill-child']

/** The reason why no process can be process 1 of a namespace here; undefined if one can. */
function whyNoNamespace(): string | undefined {
  if (process.platform !== 'linux') return 'namespaces of processes are of Linux'
  const { error, status, stderr } = spawnSync('unshare', [...namespace, 'true'], { encoding: 'utf8' })
  if (error !== undefined) return `there is no command unshare: ${error.message}`
  return status === 0 ? undefined : `unshare is not permitted: ${stderr.trim()}`
}

/** Long enough that a busy machine calls `then` in the eighth of it, of a second at most, which is left for the end. */
const withinMs = 8000

class Program {
  readonly lines: string[] = []
  readonly log: string
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>
  readonly #child: ChildProcess
  readonly #isFirst: boolean
  errors = ''
  #wake: () => void = () => {}

  constructor(context: TestContext, what: string, options: object, { isFirst = false, env = {} } = {}) {
    const folder = mkdtempSync(join(tmpdir(), 'twoway-shutdown-'))
    this.log = join(folder, 'log')
    writeFileSync(this.log, '')
    const command = [process.execPath, program, what, JSON.stringify(options)]
    const [file, ...args] = isFirst ? ['unshare', ...namespace, ...command] : command
    this.#isFirst = isFirst
    this.#child = spawn(file!, args, { env: { ...process.env, LOG: this.log, ...env }, stdio: 'pipe' })
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.lines.push(...text.split('\n').filter((line) => line !== ''))
      this.#wake()
    })
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.errors += text
    })
    this.ended = once(this.#child, 'close').then(([code, signal]) => ({ code, signal }))
    context.after(async () => {
      this.#child.kill('SIGKILL')
      await this.ended
      rmSync(folder, { recursive: true })
    })
  }

  /** Resolves to a line once it is printed. */
  async line(wanted: RegExp, nth = 0): Promise<string> {
    for (;;) {
      const found = this.lines.filter((line) => wanted.test(line))[nth]
      if (found !== undefined) return found
      await Promise.race([
        new Promise<void>((resolve) => {
          this.#wake = resolve
        }),
        this.ended.then(() => assert.fail(`it ended: ${this.lines.join(' ')} ${this.errors}`)),
      ])
    }
  }

  url(nth = 0): Promise<string> {
    return this.line(/^ws:/, nth)
  }

  write(text: string): void {
    this.#child.stdin!.write(text)
  }

  /** Sends a signal to the program itself, which may be the child of unshare. */
  signal(name: NodeJS.Signals): void {
    const { pid } = this.#child
    const children = this.#isFirst ? readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8') : String(pid)
    process.kill(Number(children.trim()), name)
  }
}

interface Peer {
  readonly socket: WebSocket
  readonly pid: number
  readonly closed: Promise<number>
}

async function connect(url: string): Promise<Peer> {
  const socket = new WebSocket(url)
  const closed = once(socket as never, 'close').then(([{ code }]) => code as number)
  const [{ data }] = await once(socket as never, 'message')
  return { socket, pid: Number(data), closed }
}

/** Sends numbered messages, each after the acknowledgement of the one before, until the connection closes. */
async function load(url: string, name: number, acknowledged: string[]): Promise<number> {
  const { socket, closed } = await connect(url)
  let count = 0
  const next = (): void => socket.send(`${name}.${++count}`)
  socket.onmessage = ({ data }) => {
    acknowledged.push(data as string)
    next()
  }
  next()
  return closed
}

function statusOf(url: string): Promise<number | string> {
  return new Promise((resolve) => {
    get(url.replace('ws:', 'http:'), { agent: false }, (response) => resolve(response.resume().statusCode!)).once(
      'error',
      ({ code }: NodeJS.ErrnoException) => resolve(code!),
    )
  })
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe('gracefulShutdown', { timeout: 120_000, concurrency: 3 }, () => {
  const whyNot = whyNoNamespace()
  for (const what of ['serve', 'attach', 'workers'] as const) {
    for (const isFirst of [false, true]) {
      const name = `loses no acknowledged message of ${what}${isFirst ? ', as process 1 of a namespace' : ''}`
      it(name, { skip: isFirst && whyNot !== undefined ? whyNot : false }, async (context) => {
        const running = new Program(context, what, { withinMs: 8000 }, { isFirst })
        const url = await running.url()
        const acknowledged: string[] = []
        const loads = Array.from({ length: 20 }, (_, index) => load(url, index, acknowledged))
        while (acknowledged.length < 500) await pass(5)
        running.signal('SIGTERM')
        const { code, signal } = await running.ended
        assert.deepEqual([code, signal, running.errors], [0, null, ''])
        assert.deepEqual(running.lines.slice(1), ['then SIGTERM true'])
        assert.deepEqual(new Set(await Promise.all(loads)), new Set([1012]))
        const stored = new Set(readFileSync(running.log, 'utf8').split('\n'))
        assert.deepEqual(
          acknowledged.filter((id) => !stored.has(id)),
          [],
        )
      })
    }
  }

  it('goes on for readinessDelayMs, and says that it is not ready', async (context) => {
    const running = new Program(context, 'serve', { readinessDelayMs: 1500, withinMs: 2000 })
    const url = await running.url()
    assert.equal(await statusOf(url), 200)
    running.signal('SIGTERM')
    let status: number | string = 200
    while (status === 200) status = await statusOf(url)
    assert.equal(status, 503)
    const late = await connect(url)
    assert.equal(await late.closed, 1012)
    assert.deepEqual(await running.ended, { code: 0, signal: null })
  })

  it('answers the requests of an app whose HTTP server it closes', async (context) => {
    const running = new Program(context, 'attach', { withinMs: 8000 })
    const url = await running.url()
    const { closed } = await connect(url)
    const answered = statusOf(url.replace('/chat', '/slow'))
    await running.line(/^asked/)
    running.signal('SIGINT')
    assert.equal(await answered, 200)
    assert.equal(await closed, 1012)
    assert.deepEqual(await running.ended, { code: 0, signal: null })
    assert.equal(running.lines.at(-1), 'then SIGINT true')
  })

  it('ends in time with code 1 if a request is not answered', async (context) => {
    const running = new Program(context, 'attach', { withinMs })
    const url = await running.url()
    const cut = statusOf(url.replace('/chat', '/long'))
    await running.line(/^asked/)
    running.signal('SIGTERM')
    assert.equal(await cut, 'ECONNRESET')
    assert.deepEqual(await running.ended, { code: 1, signal: null })
    assert.equal(running.lines.at(-1), 'then SIGTERM false')
  })

  it('drops a peer that does not answer the Close', async (context) => {
    const running = new Program(context, 'several', { withinMs })
    const peers = await Promise.all([connect(await running.url(0)), connect(await running.url(1))])
    // A client that is stopped answers nothing.
    const client = `const { WebSocket } = await import('twoway'); const socket = new WebSocket(process.argv[1])
      socket.onopen = () => { process.stdout.write('open'); setTimeout(() => { for (;;); }, 50) }`
    const stuck = spawn(process.execPath, ['--input-type=module', '--eval', client, await running.url()], {
      cwd: fileURLToPath(new URL('.', import.meta.url)),
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    context.after(() => stuck.kill('SIGKILL'))
    await once(stuck.stdout, 'data')
    running.signal('SIGTERM')
    for (const { closed } of peers) assert.equal(await closed, 1012)
    assert.deepEqual(await running.ended, { code: 0, signal: null })
  })

  it('kills a stuck worker at its time, and leaves no process', async (context) => {
    const running = new Program(context, 'workers', { withinMs })
    const peer = await connect(await running.url())
    peer.socket.send('be stuck')
    await pass(50)
    running.signal('SIGTERM')
    const began = performance.now()
    const { code } = await running.ended
    assert.equal(code, 1)
    while (isAlive(peer.pid)) await pass(10)
    assert.ok(performance.now() - began < 16_000)
    assert.equal(running.lines.at(-1), 'then SIGTERM false')
  })

  for (const what of ['serve', 'workers']) {
    it(`ends ${what} at once at a second signal, and leaves no process`, async (context) => {
      const running = new Program(context, what, { readinessDelayMs: 60_000 })
      const { pid } = await connect(await running.url())
      running.signal('SIGTERM')
      running.signal('SIGTERM')
      await pass(400)
      running.signal('SIGINT')
      assert.deepEqual(await running.ended, { code: 130, signal: null })
      while (isAlive(pid)) await pass(10)
    })
  }

  const ends: readonly [then: string, code: number, error: RegExp][] = [
    ['throw', 1, /then failed/],
    ['hang', 1, /did not end within 600 ms/],
    ['code', 7, /^$/],
  ]
  for (const [then, code, error] of ends) {
    it(`ends with ${code} if the option then is to ${then}`, async (context) => {
      const running = new Program(context, 'serve', { withinMs: 600 }, { env: { THEN: then } })
      await running.url()
      running.signal('SIGTERM')
      assert.deepEqual(await running.ended, { code, signal: null })
      assert.match(running.errors, error)
    })
  }

  it('leaves no connection unanswered that the primary of a cluster sends to a worker that ends', async (context) => {
    const running = new Program(context, 'cluster', {})
    // Both workers listen on the same port.
    const url = await running.url(1)
    running.write('now')
    await running.line(/^busy/)
    const peers = await Promise.all(Array.from({ length: 8 }, () => connect(url)))
    assert.equal(new Set(peers.map(({ pid }) => pid)).size, 1)
  })

  it('begins when the program says so', async (context) => {
    const running = new Program(context, 'begun', {})
    const { closed } = await connect(await running.url())
    running.write('now')
    assert.equal(await closed, 1012)
    assert.deepEqual(await running.ended, { code: 0, signal: null })
    assert.equal(running.lines.at(-1), 'then undefined true')
  })

  it('refuses options and servers that are none', () => {
    const wrong: readonly [options: ShutdownOptions, sentence: RegExp][] = [
      [{ signals: ['SIGKILL'] }, /signals has "SIGKILL", which is no signal that a process can handle/],
      [{ signals: ['sigterm'] }, /signals has "sigterm"/],
      [{ signals: 'SIGTERM' as never }, /signals must be a list of names of signals/],
      [{ withinMs: 0 }, /withinMs must be a whole number of milliseconds above 0/],
      [{ readinessDelayMs: -1 }, /readinessDelayMs must be a whole number of milliseconds from 0 on/],
      [{ timeout: 5 } as never, /no option "timeout" of gracefulShutdown\(\)/],
    ]
    for (const [options, message] of wrong) assert.throws(() => gracefulShutdown([], options), { message })
    for (const server of [undefined, {}, [1], 'server']) {
      assert.throws(() => gracefulShutdown(server as never), UsageError)
    }
    const before = process.listenerCount('SIGTERM')
    const shutdown = gracefulShutdown([])
    assert.equal(process.listenerCount('SIGTERM'), before + 1)
    shutdown.cancel()
    assert.equal(process.listenerCount('SIGTERM'), before)
  })
})
