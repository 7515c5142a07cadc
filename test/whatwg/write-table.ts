/**
 * `npm run docs:whatwg`: runs the rules on this Node and writes docs/reference/whatwg.md. The results of other runtimes are
 * kept in docs/reference/whatwg.json.
 */
import process from 'node:process'
import { WebSocket } from 'twoway'
import { nodeCapabilities, nodeName } from './node-environment.js'
import { runRules } from './rules.js'
import { startServers } from './server.js'
import { readResults, writeTable } from './table-files.js'

const servers = await startServers()
const { ours, platforms } = readResults()
const outcomes = await runRules({ ...servers, WebSocket, capabilities: nodeCapabilities })
// A class that is not ours may throw at a place where its error can't be caught.
process.on('uncaughtException', () => {})
const own = (globalThis as { WebSocket?: typeof WebSocket }).WebSocket
const ownOutcomes =
  own === undefined ? {} : await runRules({ ...servers, WebSocket: own, capabilities: nodeCapabilities })
await servers.close()
writeTable({
  ours: { ...ours, [nodeName]: outcomes },
  platforms: own === undefined ? platforms : { ...platforms, [nodeName]: ownOutcomes },
})
// A class that is not ours may keep the process alive.
process.exit(0)
