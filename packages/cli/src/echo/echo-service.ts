import { type IncomingRequest, type Server, type ServerSocket, serve, type UpgradeAnswer } from 'twoway/server'
import type { ListenAddress } from '../listening/listen-options.js'
import { isByForeignName, isPageByForeignName, type PageOptions, refuseName } from '../listening/own-pages.js'
import { echoHub, topicsProtocol } from './echo-hub.js'
import { EchoSession, longestEcho } from './echo-session.js'
import { readEchoSettings } from './echo-settings.js'
import { HeldBytes } from './held-bytes.js'
import { echoPages } from './pages.js'
import { refuseAsAsked, refuseSettings } from './refusals.js'
import { WorkTurns } from './work-turns.js'

/** The most bytes held of incomplete input: 64 MiB, a quarter of a server's default. */
const mostUnfinished = 64 << 20
/** Milliseconds without progress after which incomplete input is dropped: half of a server's default. */
const unfinishedMs = 15_000

/** The session of a connection; undefined for a plain echo, whose URL has no settings. */
type Session = EchoSession | undefined

/** State that the connections of a service share. */
interface Shared {
  readonly held: HeldBytes
  readonly turns: WorkTurns
}

/**
 * Starts a server that sends every message back unchanged, unless the query of the URL has settings, and that serves a
 * page to try it. It accepts clients that are not browsers, its own pages, and others if an option allows them. It
 * chooses the first subprotocol that a client offers, because some clients insist on one.
 */
export async function startEchoService(
  address: ListenAddress,
  options: PageOptions = {},
  turns = new WorkTurns(),
): Promise<Server<Session>> {
  const shared = { held: new HeldBytes(), turns }
  const answer = echoPages()
  const hub = echoHub()
  const server: Server<Session> = await serve<Session>({
    ...address,
    origin: options.anyOrigin === true ? 'any' : [],
    // Host names are checked below: the refusal says how to start the command.
    hosts: 'any',
    // The fields of a proxy are shown as they arrive, and decide nothing.
    trustedProxies: 0,
    maxMessageBytes: longestEcho,
    maxTotalReceiveBytes: mostUnfinished,
    messageTimeoutMs: unfinishedMs,
    // `admit` turns it off, except for the setting "deflate".
    perMessageDeflate: true,
    // A client that offers twoway.1 gets topics, and every other client its echo.
    ...hub.handlers<Session>({
      upgrade: (request) => (isPageByForeignName(request, server.url, options) ? refuseName() : admit(request, shared)),
      open: (socket) => socket.data?.open(socket),
      message(socket, message) {
        if (socket.data === undefined) echo(socket, message)
        else socket.data.message(socket, message)
      },
      messageStream: (socket, stream) => socket.data?.messageStream(socket, stream),
      drain(socket) {
        if (socket.data === undefined) socket.resume()
      },
      close: (socket) => socket.data?.close(),
    }),
    request: (request) => (isByForeignName(request, server.url, options) ? refuseName() : answer(request, server)),
  })
  return server
}

function admit(request: IncomingRequest, { held, turns }: Shared): UpgradeAnswer<Session> {
  const { protocols } = request
  const url = new URL(request.url)
  if (url.search === '') return { data: undefined, protocol: protocols[0], perMessageDeflate: false }
  const { settings, complaint } = readEchoSettings(url.searchParams)
  if (complaint !== undefined) return refuseSettings(complaint)
  if (protocols.includes(topicsProtocol)) {
    return refuseSettings(`a client that offers the subprotocol ${topicsProtocol} gets topics, which have no settings`)
  }
  const { status, subprotocol = protocols[0] ?? '' } = settings
  if (status !== undefined) return refuseAsAsked(status, url)
  if (subprotocol !== '' && !protocols.includes(subprotocol)) {
    const offered = protocols.length === 0 ? 'none' : protocols.join(', ')
    return refuseSettings(`"${subprotocol}" is not among the subprotocols that the client offers (${offered})`)
  }
  return {
    data: new EchoSession(settings, held, turns),
    protocol: subprotocol,
    perMessageDeflate: settings.deflate === true,
    // A message that is read slowly is read while it arrives.
    messageStream: settings.slow !== undefined,
  }
}

/** A peer that sends without reading is not read until its echoes have been sent, so that they do not accumulate. */
function echo(socket: ServerSocket<Session>, message: string | Uint8Array): void {
  if (socket.send(message) === 'buffered') socket.pause()
}
