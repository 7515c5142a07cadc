import process from 'node:process'
import { nodeClock } from '../runtimes/node/clock.js'
import { serversOfWorker } from '../runtimes/node/workers/cluster-parent.js'
import { WorkerServers } from '../workers/worker-servers.js'

// No entry of the package: `serveWorkers` has Node load it in each worker before the module (`--import`). So the worker
// takes its parent's messages and signals, and tells of what its module throws, before that has called `serve`.
serversOfWorker((parent) => new WorkerServers(parent, nodeClock))

// Processes that the module starts by its own process.execArgv are no workers.
const at = process.execArgv.indexOf(import.meta.url)
if (at > 0) process.execArgv.splice(at - 1, 2)
