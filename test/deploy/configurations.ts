/**
 * `npm run test:configurations`: the units of systemd, the manifest of Kubernetes and the file of PM2 in docs/how-to/shutdown.md, each
 * with the program beside it. It needs systemd's programs and Python 3, and takes PM2 from npm.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, it } from 'node:test'
import { setTimeout as pass } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { transformSync } from 'esbuild'
import { WebSocket } from 'twoway'
import { freePort } from 'twoway-testing/peers/free-ports.js'
import { installPm2, pm2Command } from './pm2.js'

const page = readFileSync(new URL('../../../docs/how-to/shutdown.md', import.meta.url), 'utf8')
// Within the repository, so that the programs find the library.
const folder = fileURLToPath(new URL('../../../.scratch/configurations/', import.meta.url))

/** The blocks of a language in the section with a heading. */
function blocksOf(heading: string, language: string): readonly string[] {
  const section = page.split('\n## ').find((each) => each.startsWith(`${heading}\n`)) ?? ''
  const blocks = [...section.matchAll(/^```(\w+)\n(.*?)^```$/gms)].filter(([, name]) => name === language)
  assert.notEqual(blocks.length, 0, `docs/how-to/shutdown.md has no block of ${language} in the section "${heading}"`)
  return blocks.map(([, , code]) => code!)
}

function replaced(text: string, part: string, other: string): string {
  assert.ok(text.includes(part), `"${part}" is missing in:\n${text}`)
  return text.replaceAll(part, other)
}

/** Writes a program of the document as JavaScript, with the imports that it leaves out, and returns its path. */
function writeProgram(name: string, code: string): string {
  const imports = code.includes('import ') ? '' : "import { gracefulShutdown, serve } from 'twoway/server'\n"
  writeFileSync(join(folder, name), transformSync(imports + code, { loader: 'ts' }).code)
  return join(folder, name)
}

/** The lines that a process prints: each call resolves to the next. */
function linesOf(child: ChildProcess): () => Promise<string> {
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  return async () => {
    const { value, done } = await lines.next()
    if (done) throw new Error('the process has ended')
    return value as string
  }
}

/** Resolves once the connection is open. */
async function opened(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url)
  await new Promise<void>((resolve, reject) => {
    socket.onopen = () => resolve()
    socket.onerror = ({ error }) => reject(error)
  })
  return socket
}

before(() => {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
})

describe('systemd', () => {
  const units = new Map(
    blocksOf('systemd', 'ini').map((unit) => [/^# \/etc\/systemd\/system\/(\S+)\n/.exec(unit)![1]!, unit]),
  )

  it('accepts the units', () => {
    const server = writeProgram('server.js', blocksOf('systemd', 'ts')[0]!)
    for (const [name, unit] of units) {
      const local = name.endsWith('.service')
        ? replaced(replaced(unit, '/usr/bin/node', process.execPath), '/srv/chat/server.js', server)
        : unit
      writeFileSync(join(folder, name), local)
    }
    const paths = [...units.keys()].map((name) => join(folder, name))
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', ...paths], { encoding: 'utf8' })
    assert.equal(`${stderr}${status}`, '0')
  })

  // A stand-in for systemd, which has to be process 1: Python holds the socket and reads the notifications.
  const manager = `
import os, signal, socket, subprocess, sys, threading
listening = socket.create_server(('127.0.0.1', 0), backlog=4096)
os.dup2(listening.fileno(), 3)
print(listening.getsockname()[1], flush=True)
states = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
states.bind(os.environ['NOTIFY_SOCKET'])
def read():
    while True:
        for line in states.recv(4096).decode().split('\\n'):
            if line in ('READY=1', 'WATCHDOG=1'): print(line, flush=True)
threading.Thread(target=read, daemon=True).start()
sys.stdin.readline()
child = subprocess.Popen(sys.argv[1:], pass_fds=[3])
sys.stdin.readline()
child.terminate()
print('ended', child.wait(), flush=True)
`

  it('has the program take the socket, say that it is ready and alive, and end at SIGTERM', async () => {
    const server = writeProgram('server.js', blocksOf('systemd', 'ts')[0]!)
    const stopMs = Number(/^TimeoutStopSec=(\d+)$/m.exec(units.get('chat.service')!)![1]) * 1000
    const sockets = mkdtempSync(join(tmpdir(), 'twoway-notify-'))
    const env = {
      ...process.env,
      LISTEN_FDS: '1',
      NOTIFY_SOCKET: join(sockets, 'notify'),
      WATCHDOG_USEC: '300000',
    }
    const child = spawn('python3', ['-c', manager, process.execPath, server], {
      env,
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    try {
      const line = linesOf(child)
      const port = await line()
      // It waits in the queue of the socket until the process accepts it.
      const early = opened(`ws://127.0.0.1:${port}`)
      child.stdin.write('start\n')
      assert.equal(await line(), 'READY=1')
      assert.equal(await line(), 'WATCHDOG=1')
      assert.equal(await line(), 'WATCHDOG=1')
      const closed = once(await early, 'close')
      const stoppedAt = Date.now()
      child.stdin.write('stop\n')
      assert.equal((await closed)[0].code, 1012)
      let last = await line()
      while (last === 'WATCHDOG=1') last = await line()
      assert.equal(last, 'ended 0')
      assert.ok(Date.now() - stoppedAt < stopMs)
    } finally {
      child.kill()
      rmSync(sockets, { recursive: true })
    }
  })
})

describe('Kubernetes', () => {
  it('probes paths that the program answers, and waits longer than the program takes', async () => {
    const manifest = blocksOf('Kubernetes', 'yaml')[0]!
    const [, ready, seconds] = /readinessProbe:\n +httpGet: \{ path: (\S+), port: 8080 \}\n +periodSeconds: (\d+)/.exec(
      manifest,
    )!
    const [, live] = /livenessProbe:\n +httpGet: \{ path: (\S+), port: 8080 \}/.exec(manifest)!
    const graceMs = Number(/terminationGracePeriodSeconds: (\d+)/.exec(manifest)![1]) * 1000
    const shutdown = blocksOf('Kubernetes', 'ts')[0]!
    const [delayMs, withinMs] = ['readinessDelayMs', 'withinMs'].map((name) =>
      Number(new RegExp(`${name}: ([\\d_]+)`).exec(shutdown)![1]!.replaceAll('_', '')),
    ) as [number, number]
    assert.ok(delayMs + withinMs < graceMs)
    assert.ok(delayMs >= 2 * Number(seconds) * 1000)

    const code = replaced(blocksOf('Readiness', 'ts')[0]!, 'port: 8080', 'port: 0')
    const shutdownImport = "import { gracefulShutdown } from 'twoway/server'"
    const program = writeProgram('probed.js', `${shutdownImport}\n${code}\n${shutdown}\nconsole.log(server.port)`)
    const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] })
    const ended = once(child, 'exit')
    const port = await linesOf(child)()
    const status = async (path: string): Promise<number> => (await fetch(`http://127.0.0.1:${port}${path}`)).status
    assert.deepEqual([await status(live!), await status(ready!), await status('/other')], [200, 200, 404])
    const held = await opened(`ws://127.0.0.1:${port}`)
    const closed = once(held, 'close')
    const stoppedAt = Date.now()
    child.kill('SIGTERM')
    while ((await status(ready!)) !== 503) await pass(20)
    assert.equal(await status(live!), 200)
    // The proxies of the nodes may not know it yet.
    await opened(`ws://127.0.0.1:${port}`)
    assert.equal((await closed)[0].code, 1012)
    assert.deepEqual(await ended, [0, null])
    assert.ok(Date.now() - stoppedAt < graceMs)
  })
})

describe('PM2', () => {
  let home: string
  let port: number
  const pm2 = (...args: readonly string[]): void => {
    execFileSync(process.execPath, [pm2Command, ...args], {
      cwd: folder,
      env: { ...process.env, PM2_HOME: home },
      stdio: ['ignore', 'ignore', 'inherit'],
    })
  }

  before(async () => {
    if (!existsSync(pm2Command)) installPm2()
    home = mkdtempSync(join(tmpdir(), 'twoway-pm2-'))
    port = await freePort()
  })

  after(() => {
    pm2('kill')
    rmSync(home, { recursive: true, force: true })
  })

  it('reloads the program of its file, and no client is refused', async () => {
    const file = blocksOf('PM2', 'js')[0]!
    assert.ok(Number(/kill_timeout: ([\d_]+)/.exec(file)![1]!.replaceAll('_', '')) > 8000, 'withinMs is 8 s by default')
    writeFileSync(join(folder, 'ecosystem.config.cjs'), file)
    writeProgram('server.js', replaced(blocksOf('PM2', 'ts')[0]!, 'port: 8080', `port: ${port}`))
    pm2('start', 'ecosystem.config.cjs')
    const first = await opened(`ws://127.0.0.1:${port}`)
    const closed = once(first, 'close')
    let isOver = false
    let connections = 0
    const load = (async () => {
      for (; !isOver; connections += 1) (await opened(`ws://127.0.0.1:${port}`)).close()
    })()
    // The command does not block this thread, in which the clients live.
    const reload = spawn(process.execPath, [pm2Command, 'reload', 'chat'], {
      env: { ...process.env, PM2_HOME: home },
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    assert.deepEqual(await once(reload, 'exit'), [0, null])
    assert.equal((await closed)[0].code, 1012)
    isOver = true
    await load
    assert.ok(connections > 0)
  })
})
