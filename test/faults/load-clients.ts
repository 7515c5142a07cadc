/**
 * `node --expose-gc load-clients.js ORDER`: opens connections and keeps them. Idle ones send nothing, active ones send a
 * message about each second and check its echo, and some of those disconnect and reconnect.
 */
import process from 'node:process'
import { WebSocket } from 'twoway'
import { heldBytes } from './own-memory.js'

export interface LoadOrder {
  readonly url: string
  readonly idle: number
  readonly active: number
}

/** The state of the clients. */
export interface LoadState {
  readonly open: number
  readonly echoes: number
  /** The number of messages that came back changed, and of connections that ended unexpectedly. */
  readonly faults: number
  readonly heldBytes: number
}

const order = JSON.parse(process.argv[2]!) as LoadOrder
const connectingAtOnce = 50
const longestMessage = 4096
/** The number of messages after which an active client disconnects and reconnects. */
const messagesEach = 60

let open = 0
let echoes = 0
let faults = 0
let isLeaving = false
const sockets = new Set<WebSocket>()

function connect(isActive: boolean): Promise<void> {
  const socket = new WebSocket(order.url)
  sockets.add(socket)
  let isWanted = true
  const leave = (): void => {
    isWanted = false
    socket.close(1000)
  }
  if (isActive) beActive(socket, leave)
  socket.addEventListener('close', ({ wasClean }) => {
    sockets.delete(socket)
    if ((isWanted && !isLeaving) || !wasClean) faults += 1
    if (!isLeaving && !isWanted) void connect(isActive)
  })
  return new Promise((resolve) => {
    socket.addEventListener('open', () => {
      open += 1
      socket.addEventListener('close', () => {
        open -= 1
      })
      resolve()
    })
    socket.addEventListener('error', () => resolve())
  })
}

function beActive(socket: WebSocket, leave: () => void): void {
  let sent = ''
  let left = messagesEach
  const send = (): void => {
    if (socket.readyState !== socket.OPEN) return
    if (left-- === 0) {
      leave()
      return
    }
    sent = 'm'.repeat(1 + Math.floor(Math.random() * longestMessage))
    socket.send(sent)
  }
  socket.addEventListener('open', () => setTimeout(send, 1000 * Math.random()))
  socket.addEventListener('message', ({ data }) => {
    if (data === sent) echoes += 1
    else faults += 1
    setTimeout(send, 500 + 1000 * Math.random())
  })
}

function state(): LoadState {
  globalThis.gc!()
  return { open, echoes, faults, heldBytes: heldBytes() }
}

process.on('disconnect', () => process.exit(0))
process.on('message', async (question) => {
  if (question === 'leave') {
    isLeaving = true
    await Promise.all(
      [...sockets].map((socket) => {
        socket.close(1000)
        return (
          socket.readyState === socket.CLOSED || new Promise((resolve) => socket.addEventListener('close', resolve))
        )
      }),
    )
  }
  process.send!(state())
})

const kinds = [...Array(order.idle).fill(false), ...Array(order.active).fill(true)]
const connectSome = async (): Promise<void> => {
  while (kinds.length > 0) await connect(kinds.pop()!)
}
await Promise.all(Array.from({ length: connectingAtOnce }, connectSome))
process.send!(state())
