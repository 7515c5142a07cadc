import type { ChildProcess } from 'node:child_process'
import cluster from 'node:cluster'
import { once } from 'node:events'
import { statSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { UsageError } from '../../../core/errors.js'
import type { WorkerEnd, WorkerEvents, WorkerHost, WorkerProcess } from '../../../ports/worker-host.js'
import { startTask, startTimer } from '../internals/genuine-timers.js'
import { URL } from '../platform.js'
import { shareOf, workerShare } from '../tuning/worker-share.js'
import { type Envelope, isEnvelope, workerMarker } from '../worker-marker.js'

/** The options of a worker process beside its module. */
export interface ClusterOptions {
  readonly args?: readonly string[] | undefined
  readonly execArgv?: readonly string[] | undefined
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /** The number of workers. */
  readonly workers?: number | undefined
}

/** Milliseconds that the last messages of a process may take after its end, if a child of its own keeps the channel open. */
const lastMessagesWithinMs = 1000

/**
 * The module that each worker loads before the user's, so that it receives the parent's messages and reports errors from
 * the beginning. The path is a variable, because a bundler would copy a file that it finds by a literal, without the
 * file's imports.
 */
const startPath = '../../../entries/worker-start.js'

/**
 * Runs workers by node:cluster. Its parent shares TCP ports between them if the system does not, and always shares Unix
 * sockets and handles. Throws a UsageError if the module does not exist, in a worker, and on Bun and Deno.
 */
export function clusterHost(moduleUrl: string, options: ClusterOptions): WorkerHost {
  const { bun, deno } = process.versions
  const other = bun !== undefined ? `Bun ${bun}` : deno !== undefined ? `Deno ${deno}` : undefined
  if (other !== undefined) {
    throw new UsageError('optionInvalid', `serveWorkers needs Node, and this is ${other}: call serve in one process`)
  }
  if (!cluster.isPrimary) {
    throw new UsageError(
      'optionInvalid',
      'serveWorkers was called in a worker: call it in a module of its own, and serve in the one that it runs',
    )
  }
  const exec = fileOf(moduleUrl)
  return { start: (events) => startWorker(exec, options, events), findPort }
}

/** The path of a module by its URL or path. */
function fileOf(moduleUrl: string): string {
  const wanted = `serveWorkers takes the file: URL of a module, such as new URL('./server.js', import.meta.url)`
  const isUrl = /^[a-z][a-z+.-]+:/i.test(moduleUrl)
  if (isUrl && !moduleUrl.startsWith('file:')) throw new UsageError('optionInvalid', `${wanted}, not ${moduleUrl}`)
  const file = isUrl ? fileURLToPath(moduleUrl) : moduleUrl
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) {
    throw new UsageError('optionInvalid', `${wanted}; there is no file ${file}`)
  }
  return file
}

function startWorker(exec: string, options: ClusterOptions, events: WorkerEvents): WorkerProcess {
  try {
    return new ClusterWorker(fork(exec, options), events)
  } catch (error) {
    startTask(() => events.ended({ code: null, signal: null, error: error as Error }))
    return { pid: undefined, send() {}, end() {} }
  }
}

/** The settings of node:cluster belong to the whole process, so they are restored afterwards. */
function fork(exec: string, { args, execArgv, env, workers = 1 }: ClusterOptions): ChildProcess {
  const before = cluster.settings
  try {
    cluster.setupPrimary({
      exec,
      args: [...(args ?? process.argv.slice(2))],
      execArgv: [...(execArgv ?? withoutProgram(process.execArgv)), ...startOptions()],
      // The default, JSON, has no bytes.
      serialization: 'advanced',
      silent: false,
    })
    const worker = cluster.fork({ ...env, [workerMarker]: String(process.pid), [workerShare]: shareOf(workers) })
    // It repeats the errors of its process, such as EPIPE when node:cluster answers a worker that has just died. Without a
    // listener, that would end the parent.
    worker.on('error', () => {})
    return worker.process
  } finally {
    ;(cluster as { settings: typeof before }).settings = before
  }
}

/**
 * Node's options that load the start module. A parent that is bundled into one file has no such module, and one that is
 * bundled as CommonJS has no URL. Its workers listen to the parent from their first call of `serve` on.
 */
function startOptions(): string[] {
  const ownUrl: string | undefined = import.meta.url
  if (ownUrl === undefined) return []
  const startModule = new URL(startPath, ownUrl)
  return statSync(startModule, { throwIfNoEntry: false })?.isFile() ? ['--import', startModule.href] : []
}

/** The options without a program such as that of `--eval`: the worker runs its module instead. */
function withoutProgram(execArgv: readonly string[]): string[] {
  const takesProgram = new Set(['-e', '--eval', '-p', '--print', '-pe'])
  return execArgv.filter(
    (argument, at) =>
      !takesProgram.has(argument) &&
      !takesProgram.has(execArgv[at - 1] ?? '') &&
      !/^--(?:input-type|eval|print)(?:=|$)/.test(argument),
  )
}

class ClusterWorker implements WorkerProcess {
  readonly #child: ChildProcess
  readonly #events: WorkerEvents
  #hasEnded = false

  constructor(child: ChildProcess, events: WorkerEvents) {
    this.#child = child
    this.#events = events
    let end: WorkerEnd | undefined
    child.on('message', (message) => {
      if (isEnvelope(message)) events.message(message.twoway)
    })
    child.once('exit', (code, signal) => {
      end = { code, signal }
      if (child.connected) startTimer(() => this.#ended(end!), lastMessagesWithinMs)
      else this.#ended(end)
    })
    child.once('disconnect', () => {
      if (end !== undefined) this.#ended(end)
    })
    child.on('error', (error) => {
      if (child.pid === undefined) this.#ended({ code: null, signal: null, error })
    })
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  send(message: object, handed: () => void = () => {}): void {
    const envelope: Envelope = { twoway: message }
    if (this.#child.connected) this.#child.send(envelope, handed)
    else handed()
  }

  end(force: boolean): void {
    this.#child.kill(force ? 'SIGKILL' : 'SIGTERM')
  }

  #ended(end: WorkerEnd): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#events.ended(end)
  }
}

async function findPort(address: { readonly port: number; readonly host: string }): Promise<number> {
  const server = createServer().listen({ ...address, exclusive: true })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
