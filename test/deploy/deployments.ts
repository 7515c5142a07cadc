import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { freePort } from 'twoway-testing/peers/free-ports.js'

/** The program that is deployed. */
export const service = fileURLToPath(new URL('./service.js', import.meta.url))

/** A way to replace a running service by the next version of it. */
export interface Deployment {
  readonly name: string
  /** Starts the service, and resolves to the port when it listens. */
  start(env: NodeJS.ProcessEnv): Promise<number>
  deploy(): Promise<void>
  stop(): Promise<void>
}

interface Process {
  readonly child: ChildProcess
  line(wanted: string): Promise<void>
}

function run(args: readonly string[], options: SpawnOptions): Process {
  const child = spawn(process.execPath, [service, ...args], { stdio: ['ignore', 'pipe', 'inherit'], ...options })
  return { child, line: (wanted) => lineOf(child, wanted) }
}

async function lineOf(child: ChildProcess, wanted: string): Promise<void> {
  let text = ''
  await new Promise<void>((resolve, reject) => {
    const take = (chunk: Buffer): void => {
      text += chunk
      if (!text.split('\n').includes(wanted)) return
      child.stdout!.off('data', take)
      resolve()
    }
    child.stdout!.on('data', take)
    child.once('exit', (code) => reject(new Error(`the service ended with ${code} before it said ${wanted}`)))
  })
}

async function end(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await ended
}

/** `workers.restart`, which a program calls at SIGHUP. */
export function workersRestart(): Deployment {
  let running: Process | undefined
  return {
    name: '`workers.restart()`, two workers',
    async start(env) {
      const port = await freePort()
      running = run(['workers', String(port)], { env })
      await running.line('listening')
      return port
    },
    async deploy() {
      const restarted = running!.line('restarted')
      running!.child.kill('SIGHUP')
      await restarted
    },
    stop: () => end(running?.child),
  }
}

/** One process after the other on one port, as under a service manager without a socket of its own. */
export function stopAndStart(): Deployment {
  let running: Process | undefined
  let start = async (): Promise<void> => {}
  return {
    name: 'stop, then start on the same port (systemd without a socket, PM2 in fork mode)',
    async start(env) {
      const port = await freePort()
      start = async () => {
        running = run(['port', String(port)], { env })
        await running.line('listening')
      }
      await start()
      return port
    },
    async deploy() {
      await end(running?.child)
      await start()
    },
    stop: () => end(running?.child),
  }
}

/** The same with a listening socket that the service manager keeps, as systemd's socket activation has it. */
export function socketActivation(): Deployment {
  let holder: ChildProcess | undefined
  let start = async (): Promise<void> => {}
  // Node would accept connections itself, so Python holds the socket, which does nothing with it, and starts the service.
  const program = `
import os, socket, subprocess, sys
listening = socket.create_server(('127.0.0.1', 0), backlog=4096)
os.dup2(listening.fileno(), 3)
print(listening.getsockname()[1], flush=True)
while sys.stdin.readline() == 'start\\n':
    child = subprocess.Popen(sys.argv[1:], pass_fds=[3], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    child.stdout.readline()
    print(child.pid, flush=True)
    sys.stdin.readline()
    child.terminate()
    print('ended', child.wait(), flush=True)
`
  const said = (): Promise<string> => once(holder!.stdout!, 'data').then(([chunk]) => String(chunk).trim())
  return {
    name: "stop, then start on a socket that is kept (systemd's socket activation)",
    async start(env) {
      holder = spawn('python3', ['-c', program, process.execPath, service, 'handle', '3'], {
        env,
        stdio: ['pipe', 'pipe', 'inherit'],
      })
      const port = Number(await said())
      start = async () => {
        const started = said()
        holder!.stdin!.write('start\n')
        await started
      }
      await start()
      return port
    },
    async deploy() {
      const ended = said()
      holder!.stdin!.write('stop\n')
      await ended
      await start()
    },
    async stop() {
      const ended = said()
      holder!.stdin!.write('stop\n')
      await ended
      const gone = once(holder!, 'exit')
      holder!.stdin!.end()
      await gone
    },
  }
}
