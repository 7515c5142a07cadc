import type { IncomingMessage, Server } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { UsageError } from '../../../core/errors.js'
import { refusalOf } from '../../../core/handshake/server-handshake.js'
import { offersWebSocket } from '../../../core/handshake/upgrade-request.js'
import { pathUnknown, standardResponses } from '../../../core/http/standard-responses.js'
import type {
  HandedUpgrade,
  HttpHandler,
  HttpResponse,
  RequestLimits,
  UpgradeEvent,
  UpgradeTaker,
} from '../../../ports/http-host.js'
import { now } from '../internals/genuine-timers.js'
import { tryHandles } from '../internals/handle-trial.js'
import { afterResponses } from '../internals/http/after-responses.js'
import { chooseTransport } from '../transport/choose-transport.js'
import { answerStream } from './answer-stream.js'
import { addressOf } from './listen-on.js'
import { headOf, headViolation, peerOf } from './request-head.js'
import { runMiddleware } from './run-middleware.js'
import { whenUntouched } from './untouched.js'

/** A request that node:http has handed out as an upgrade, with its connection. */
export interface Upgrade {
  readonly request: IncomingMessage
  readonly stream: Duplex
  /** The bytes that came behind the request's head. */
  readonly head: Uint8Array
}

/** The streams that a handler has taken. */
const taken = new WeakSet<Duplex>()

/** Gives an upgrade whose turn it is to the handler, or refuses it because of its head. */
function handOver(upgrade: Upgrade, limits: RequestLimits, handler: HttpHandler): void {
  const { request, stream, head: early } = upgrade
  const head = headOf(request)
  const violation = headViolation(head, limits)
  if (violation !== undefined) {
    refuseUpgrade(upgrade, refusalOf(violation), limits, handler)
    return
  }
  const socket = socketOf(upgrade)
  // The HTTP server's timeouts end here. A stream that an app hands to its HTTP server may have no setTimeout.
  socket.setTimeout?.(0)
  const peer = peerOf(socket)
  const listensOn = addressOfServer(socket)
  // A peer that has already reset has no address, which the limits need. Our own host drops it too.
  if (peer.address === undefined && stream instanceof Socket && listensOn?.socketPath === undefined) {
    stream.destroy()
    return
  }
  const handed: HandedUpgrade = {
    nodeRequest: request,
    listensOn: listensOn?.address ?? '',
    runMiddleware: (functions, failed) => runMiddleware(request, functions, failed),
  }
  handler.upgrade(head, chooseTransport(stream, { head: early, peer }), handed)
}

/** Answers an upgrade that is refused before a handler has got it. */
function refuseUpgrade(
  upgrade: Upgrade,
  answer: HttpResponse,
  { handshakeTimeoutMs: lingerMs }: RequestLimits,
  handler: HttpHandler,
): void {
  const { request, stream } = upgrade
  answerStream(stream, answer, { lingerMs, bodyless: request.method === 'HEAD' })
  handler.refused(answer, peerOf(socketOf(upgrade)))
}

/** Takes the `upgrade` events that an app passes on. */
export const upgradeTaker: UpgradeTaker = {
  take(event, limits, handler, gone) {
    const upgrade = upgradeOf(event)
    if (taken.has(upgrade.stream)) throw alreadyTaken()
    takeInTurn(upgrade, limits, handler)
    upgrade.stream.once('close', gone)
    if (upgrade.stream.destroyed) gone()
  },
  takeIf(wants, event, limits, handler) {
    const upgrade = upgradeOf(event)
    const { request, stream } = upgrade
    if (taken.has(stream)) return
    const head = headOf(request)
    const socket = socketOf(upgrade)
    if (offersWebSocket(head) && wants(head, peerOf(socket))) {
      takeInTurn(upgrade, limits, handler)
      return
    }
    const answer = (): void => {
      if (taken.has(stream)) return
      taken.add(stream)
      refuseUpgrade(upgrade, pathUnknown(head.target), limits, handler)
    }
    // Without a listener, the reset of a connection that no listener takes would end the process.
    stream.on('error', ignore)
    const listeners = serverOf(socket)?.listenerCount?.('upgrade') ?? 1
    if (listeners > 1) whenUntouched(stream, limits.handshakeTimeoutMs, answer)
    else afterResponses(socket, answer)
  },
}

/** Takes an upgrade after the responses to earlier requests of its connection, or refuses it if they take too long. */
export function takeInTurn(upgrade: Upgrade, limits: RequestLimits, handler: HttpHandler): void {
  const { stream } = upgrade
  taken.add(stream)
  // Connections that come before the trial of handles ends use streams.
  void tryHandles()
  const until = now() + limits.handshakeTimeoutMs
  afterResponses(socketOf(upgrade), () => {
    // A peer that has ended its side can't send a Close.
    if (stream.readableEnded) stream.destroy()
    else if (now() <= until) handOver(upgrade, limits, handler)
    else refuseUpgrade(upgrade, standardResponses.earlierTooSlow, limits, handler)
  })
}

function ignore(): void {}

/**
 * The three arguments of an 'upgrade' event. They are recognized by their members, because they may be of another realm, or
 * imitate those of node:http.
 */
function upgradeOf({ request, stream, head }: UpgradeEvent): Upgrade {
  if (!hasAll(request, { method: 'string', url: 'string', rawHeaders: 'object', httpVersion: 'string' })) {
    throw notUpgrade('the request', "the IncomingMessage of an 'upgrade' event of node:http")
  }
  if (!hasAll(stream, { write: 'function', end: 'function', destroy: 'function', pause: 'function', on: 'function' })) {
    throw notUpgrade('the socket', "the Duplex of an 'upgrade' event of node:http")
  }
  if (head !== undefined && head !== null && !ArrayBuffer.isView(head)) throw notUpgrade('the head', 'a Buffer')
  return { request, stream, head: head ?? new Uint8Array(0) } as Upgrade
}

/** The error of a connection that has an owner. */
export function alreadyTaken(): UsageError {
  return new UsageError('upgradeTaken', 'this socket was accepted already: pass each upgrade to one server')
}

function hasAll(value: unknown, members: Readonly<Record<string, string>>): boolean {
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(members).every(([name, type]) => typeof (value as Record<string, unknown>)[name] === type)
}

function notUpgrade(argument: string, expected: string): UsageError {
  return new UsageError(
    'optionInvalid',
    `${argument} of an upgrade must be ${expected}: pass on the three arguments of the event unchanged`,
  )
}

/** The connection of a request. A request that an app has made may have none. */
function socketOf({ request, stream }: Upgrade): Socket {
  return request.socket ?? (stream as Socket)
}

/** node:http notes its server on each socket. */
function serverOf(socket: Socket): Server | undefined {
  return (socket as { readonly server?: Server | null }).server ?? undefined
}

function addressOfServer(socket: Socket): ReturnType<typeof addressOf> | undefined {
  const server = serverOf(socket)
  return typeof server?.address === 'function' ? addressOf(server) : undefined
}
