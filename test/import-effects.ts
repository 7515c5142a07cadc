/**
 * `node import-effects.js SPECIFIER`: imports an entry and tells, in a line of JSON, what that has changed in the
 * process. With `workers` as a second argument it runs itself so in a worker of node:cluster.
 */
import { createHook } from 'node:async_hooks'
import cluster from 'node:cluster'
import process from 'node:process'

const [specifier, how] = process.argv.slice(2)

/** Timers, sockets, signals, processes and threads that were started, also those that do not keep the process alive. */
const started: string[] = []
const hook = createHook({
  init(_, type) {
    if (/^Timeout$|^MESSAGEPORT$|^WORKER$|WRAP$/.test(type)) started.push(type)
  },
})

/** All that an import must leave as it is. */
function state(): Readonly<Record<string, unknown>> {
  const handlers = process.eventNames().map((name) => [String(name), process.listenerCount(name)])
  return {
    handlers: Object.fromEntries(handlers),
    globals: Reflect.ownKeys(globalThis).map(String),
    ofProcess: Reflect.ownKeys(process).map(String),
    environment: { ...process.env },
    started: [...started],
  }
}

if (how === 'workers') {
  cluster.setupPrimary({ args: [specifier!], execArgv: [] })
  // What tells a worker of `serveWorkers`: it must not be enough to be one.
  cluster.fork({ TWOWAY_WORKER_OF: String(process.pid) })
} else {
  // Node's own modules add to it as they are loaded first.
  await import('node:http')
  const before = state()
  hook.enable()
  await import(specifier!)
  hook.disable()
  const after = state()
  const changed = Object.keys(before).filter((each) => JSON.stringify(before[each]) !== JSON.stringify(after[each]))
  const line = JSON.stringify(changed.map((each) => ({ [each]: [before[each], after[each]] })))
  process.stdout.write(`${line}\n`)
  if (cluster.isWorker) process.disconnect()
}
