import process from 'node:process'
import { nodeClock } from '../runtimes/node/clock.js'
import { serversOfWorker } from '../runtimes/node/workers/cluster-parent.js'
import { WorkerServers } from '../workers/worker-servers.js'

// This is no entry of the package: Node loads it in each worker before the module (`--import`). So the worker handles the
// messages and signals of its parent, and reports errors of its module, before that calls `serve`.
serversOfWorker((parent) => new WorkerServers(parent, nodeClock))

// Processes that the module starts with its own process.execArgv are no workers.
const at = process.execArgv.indexOf(import.meta.url)
if (at > 0) process.execArgv.splice(at - 1, 2)
