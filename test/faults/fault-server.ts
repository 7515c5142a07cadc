/** `node --expose-gc fault-server.js OPTIONS`: an echo server on a free port, which reports its state to its parent. */
import { readdirSync } from 'node:fs'
import process from 'node:process'
import { serve } from 'twoway/server'
import { heldBytes, residentBytes } from './own-memory.js'
import { moreThanAny, type ServerState } from './server-state.js'

let opened = 0
let closed = 0
const server = await serve({
  ...JSON.parse(process.argv[2] ?? '{}'),
  port: 0,
  open: () => {
    opened += 1
  },
  message: (socket, message) => socket.send(message),
  close: () => {
    closed += 1
  },
  error: () => {},
})

function state(): ServerState {
  globalThis.gc!()
  return {
    connections: server.connections.size,
    descriptors: openDescriptors(),
    heldBytes: heldBytes(),
    residentBytes: residentBytes(),
    opened,
    closed,
  }
}

/** The number of open descriptors, 0 if it is unknown. Counting takes one descriptor: if none is left, the result is `moreThanAny`. */
function openDescriptors(): number {
  if (process.platform !== 'linux') return 0
  try {
    return readdirSync('/proc/self/fd').length
  } catch {
    return moreThanAny
  }
}

process.on('message', () => process.send!(state()))
process.on('disconnect', () => process.exit(0))
process.send!({ port: server.port })
