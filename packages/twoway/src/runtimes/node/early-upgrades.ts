import { Server as HttpServer, type IncomingMessage, maxHeaderSize } from 'node:http'
import type { Socket } from 'node:net'
import { KnownHeads } from '../../core/handshake/known-heads.js'
import { checkRequest } from '../../core/handshake/server-handshake.js'
import { requestForm } from '../../core/http/head-form.js'
import { HeadParser } from '../../core/http/head-parser.js'
import type { RequestHead } from '../../ports/http-host.js'
import { alreadyTaken } from './http/handed-upgrade.js'
import { firstReads } from './internals/first-reads.js'
import { startTimer, type Timer } from './internals/genuine-timers.js'
import { hasHandles } from './internals/handle-trial.js'
import { earlyRequest, hasEarlyRequests } from './internals/http/early-request.js'
import { hasHollowSockets } from './internals/socket/hollow-socket.js'
import { countsConnections } from './internals/socket/take-handle.js'
import type { StreamHandle } from './internals/stream-handle.js'
import { takeConnections } from './internals/take-connections.js'
import { earlySocket } from './transport/choose-transport.js'

/** The server gets a connection whose request has not come after one or two times these milliseconds. */
const patienceMs = 1000

/** The server gets a longer head, and refuses it. It drops fields beyond this number. */
const limits = { maxHeadBytes: maxHeaderSize, maxHeaderFields: 1000 }

/**
 * Takes the handshakes that a server of node:http receives from now on, before the server has made a socket and a parser for
 * them. These take most of the time and garbage of a handshake, and the garbage makes V8 enlarge its young generation
 * (`npm run bench -- --rows ws-handshake,ws-idle`). Only a valid handshake that is whole in the first read is taken; the
 * server gets each other connection with the bytes that were read.
 */
export function takeEarlyUpgrades(
  server: HttpServer,
  mayTake: () => boolean,
  upgrade: (request: IncomingMessage, accept: (answer: string) => Socket) => void,
): (() => void) | undefined {
  const isReady = hasHandles() && hasHollowSockets() && hasEarlyRequests()
  if (!isReady || !(server instanceof HttpServer) || !countsConnections(server)) return undefined
  /** The connections without a request that came since the timer was started, and those that came before. */
  let recent = new Set<StreamHandle>()
  let earlier = new Set<StreamHandle>()
  let timer: Timer | undefined
  const known = new KnownHeads()

  const read = firstReads((handle, length, bytes) => {
    if (!recent.delete(handle)) earlier.delete(handle)
    if (length < 0) handle.close()
    else begin(handle, Buffer.from(bytes!, 0, length))
  })
  const giveOn = takeConnections(server, (handle) => {
    if (server.maxConnections != null || !mayTake() || !read(handle)) {
      giveOn!(handle)
      return
    }
    recent.add(handle)
    if (timer === undefined) startPatience()
  })
  if (giveOn === undefined) return undefined

  function begin(handle: StreamHandle, bytes: Buffer): void {
    let isOpen = true
    try {
      const { head, bytesRead } = (mayTake() && handshakeIn(bytes, known)) || {}
      if (head === undefined) return
      const request = earlyRequest(head)
      upgrade(request, (answer) => {
        if (!isOpen) throw alreadyTaken()
        isOpen = false
        const socket = earlySocket(handle, server, Buffer.from(answer, 'latin1'), bytes.subarray(bytesRead))
        Object.assign(request, { socket, client: socket })
        return socket
      })
    } finally {
      if (isOpen) giveOn!(handle, bytes)
      isOpen = false
    }
  }

  function startPatience(): void {
    timer = startTimer(endPatience, patienceMs)
    // The connections keep the process alive.
    timer.unref()
  }

  function endPatience(): void {
    timer = undefined
    give(earlier)
    ;[earlier, recent] = [recent, earlier]
    if (earlier.size > 0) startPatience()
  }

  function give(handles: Set<StreamHandle>): void {
    for (const handle of handles) {
      handles.delete(handle)
      handle.readStop()
      giveOn!(handle)
    }
  }

  return () => {
    give(earlier)
    give(recent)
  }
}

/** A valid handshake with which the bytes begin; undefined if they begin with anything else, or with a part of it. */
function handshakeIn(
  bytes: Uint8Array,
  known: KnownHeads,
): { readonly head: RequestHead; readonly bytesRead: number } | undefined {
  const { length } = bytes
  const repeated = known.find(bytes, 0, length)
  if (repeated !== undefined) return { head: repeated, bytesRead: length }
  const parser = new HeadParser(requestForm, limits)
  try {
    const bytesRead = parser.receive(bytes, 0, length)
    const { head } = parser
    if (head === undefined) return undefined
    checkRequest(head)
    if (bytesRead === length) known.miss(bytes, 0, length, head)
    return { head, bytesRead }
  } catch {
    return undefined
  }
}
