/**
 * `node import-effects.js SPECIFIER`: imports an entry and prints, in a line of JSON, the changes that this makes in the
 * process. With `workers` as a second argument it does this in a worker of node:cluster.
 */
import { createHook } from 'node:async_hooks'
import cluster from 'node:cluster'
import process from 'node:process'

const [specifier, how] = process.argv.slice(2)

/** Started timers, sockets, signals, processes and threads, including those that do not keep the process alive. */
const started: string[] = []
const hook = createHook({
  init(_, type) {
    if (/^Timeout$|^MESSAGEPORT$|^WORKER$|WRAP$/.test(type)) started.push(type)
  },
})

/** The state that an import must not change. */
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
  // The mark of a worker of `serveWorkers`, which must not suffice to be one.
  cluster.fork({ TWOWAY_WORKER_OF: String(process.pid) })
} else {
  // Node's own modules add to the state when they are first loaded.
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
