import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer, type Server as NetServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { UsageError } from '../core/errors.js'
import { WebSocket } from '../entries/client.js'
import { MemoryNetwork } from '../entries/memory.js'
import { type ServeOptions, type Server, serve } from '../entries/server.js'

const entry = new URL('../entries/server.js', import.meta.url).href
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
const hasReusePort = major >= 24 || (major === 22 && minor >= 12)

function folderFor(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'twoway-'))
  context.after(() => rmSync(folder, { recursive: true }))
  return folder
}

async function echo(context: TestContext, options: ServeOptions<undefined>): Promise<Server> {
  const server = await serve({ closeTimeoutMs: 100, message: (socket, message) => socket.send(message), ...options })
  context.after(() => server.close())
  return server
}

/** The answer of an echo. */
function exchange(url: string, text = 'hi'): Promise<string> {
  const socket = new WebSocket(url)
  return new Promise((resolve, reject) => {
    socket.onopen = () => socket.send(text)
    socket.onerror = ({ error }) => reject(error)
    socket.onmessage = ({ data }) => {
      socket.close()
      socket.onclose = () => resolve(data as string)
    }
  })
}

describe('serve on a Unix socket', { skip: process.platform === 'win32' }, () => {
  it('is reached by its url, to which a path can be appended, and removes the file on close', async (context) => {
    const socketPath = join(folderFor(context), 'an odd%20:name?.sock')
    const urls: string[] = []
    const server = await echo(context, {
      socketPath,
      upgrade: ({ url, remoteAddress }) => {
        urls.push(`${url} ${remoteAddress}`)
        return undefined
      },
    })
    assert.match(server.url, /^ws\+unix:\/.*\/an%20odd%2520%3Aname%3F\.sock:$/)
    assert.equal(server.port, 0)
    assert.equal(await exchange(server.url), 'hi')
    assert.equal(await exchange(`${server.url}/chat?room=1`), 'hi')
    assert.deepEqual(urls, ['ws://localhost/ undefined', 'ws://localhost/chat?room=1 undefined'])
    await server.close()
    assert.equal(existsSync(socketPath), false)
  })

  it('rejects with EADDRINUSE if another server listens, and explains a file that was left behind', async (context) => {
    const socketPath = join(folderFor(context), 'a.sock')
    const server = await echo(context, { socketPath })
    await assert.rejects(serve({ socketPath }), { code: 'EADDRINUSE', message: /another server listens on .*a\.sock/ })
    assert.equal(await exchange(server.url), 'hi')
    const stalePath = join(folderFor(context), 'b.sock')
    const killed = startChild(`serve({ socketPath: ${JSON.stringify(stalePath)} })`)
    await readyOf(killed)
    killed.kill('SIGKILL')
    await once(killed, 'exit')
    await assert.rejects(serve({ socketPath: stalePath }), { code: 'EADDRINUSE', message: /remove the file first/ })
    rmSync(stalePath)
    const again = await echo(context, { socketPath: stalePath })
    assert.equal(await exchange(again.url), 'hi')
  })

  it('has no Host check by default, because no page can reach it', async (context) => {
    const server = await echo(context, { socketPath: join(folderFor(context), 'a.sock') })
    const socket = new WebSocket(server.url, { headers: { Host: 'app.example' } })
    await new Promise((resolve, reject) => {
      socket.onopen = resolve
      socket.onerror = reject
    })
    socket.close()
  })
})

/** A process that imports `serve`, runs a statement whose value it awaits, and then prints the server's url. */
function startChild(statement: string, ...descriptors: readonly number[]): ChildProcess {
  const program = `import { serve } from '${entry}'; const server = await ${statement}; console.log(server.url)`
  return spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit', ...descriptors],
  })
}

async function readyOf(child: ChildProcess): Promise<string> {
  const [line] = await once(child.stdout!, 'data')
  return String(line).trim()
}

async function listening(context: TestContext): Promise<NetServer> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  context.after(() => server.close())
  return server
}

describe('serve on a socket that listens already', () => {
  it('takes a descriptor that the process was started with', async (context) => {
    const parent = await listening(context)
    const { fd } = (parent as unknown as { _handle: { fd: number } })._handle
    const child = startChild('serve({ handle: { fd: 3 }, message: (socket, text) => socket.send(text) })', fd)
    context.after(() => child.kill('SIGKILL'))
    const url = await readyOf(child)
    assert.equal(url, `ws://127.0.0.1:${(parent.address() as AddressInfo).port}`)
    parent.close()
    assert.equal(await exchange(url), 'hi')
  })

  it('takes a server of node:net', async (context) => {
    const given = await listening(context)
    const { port } = given.address() as AddressInfo
    const server = await echo(context, { handle: given, backlog: 10 })
    assert.deepEqual([server.port, server.url], [port, `ws://127.0.0.1:${port}`])
    assert.equal(await exchange(server.url), 'hi')
  })

  it('rejects with an error for an invalid descriptor', async () => {
    await assert.rejects(serve({ handle: { fd: 12_345 } }), Error)
    await assert.rejects(serve({ handle: {} }), Error)
  })
})

describe('serve with reusePort', () => {
  it('shares a port if Node supports it', { skip: !hasReusePort || process.platform !== 'linux' }, async (context) => {
    const one = await echo(context, { port: 0, reusePort: true })
    const two = await echo(context, { port: one.port, reusePort: true })
    assert.equal(two.port, one.port)
    assert.equal(await exchange(one.url), 'hi')
  })

  it('names the version of Node that it needs otherwise', { skip: hasReusePort }, async () => {
    await assert.rejects(serve({ port: 0, reusePort: true }), {
      name: 'UsageError',
      message: /reusePort needs Node 22\.12, or 23\.1 and later; this is Node \d+\./,
    })
  })

  it('takes a backlog', async (context) => {
    const server = await echo(context, { port: 0, backlog: 5, reusePort: false })
    assert.equal(await exchange(server.url), 'hi')
  })
})

describe('serve: options that say where to listen', () => {
  it('refuses two of them together, and invalid values', async () => {
    const wrong: readonly [options: object, sentence: RegExp][] = [
      [{ port: 1, socketPath: '/a' }, /the options port and socketPath exclude each other/],
      [{ host: 'a', handle: { fd: 3 } }, /the options host and handle exclude each other/],
      [{ reusePort: true, socketPath: '/a' }, /the options reusePort and socketPath exclude/],
      [{ socketPath: '/a', handle: { fd: 3 } }, /the options socketPath and handle exclude/],
      [{ socketPath: '' }, /the option socketPath must be the path of a Unix socket/],
      [{ socketPath: '\0a' }, /the option socketPath must be/],
      [{ handle: 3 }, /the option handle must be a server or socket of node:net, or an object with fd/],
      [{ backlog: 0 }, /the option backlog must be/],
      [{ reusePort: 1 }, /the option reusePort must be true or false/],
    ]
    for (const [options, sentence] of wrong) {
      await assert.rejects(
        serve(options),
        (error: UsageError) => error instanceof UsageError && sentence.test(error.message),
      )
    }
  })

  it('refuses options that a network in memory does not have', async () => {
    const network = new MemoryNetwork()
    for (const options of [{ socketPath: '/a' }, { handle: {} }, { reusePort: true }]) {
      await assert.rejects(network.serve(options), { name: 'UsageError', message: /a network in memory knows no/ })
    }
  })
})
