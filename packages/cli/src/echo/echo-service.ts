import { type IncomingRequest, type Server, type ServerSocket, serve, type UpgradeAnswer } from 'twoway/server'
import type { ListenAddress } from '../listening/listen-options.js'
import { EchoSession, longestEcho } from './echo-session.js'
import { readEchoSettings } from './echo-settings.js'
import { HeldBytes } from './held-bytes.js'
import { isByForeignName, type PageOptions } from './own-pages.js'
import { echoPages } from './pages.js'
import { refuseAsAsked, refuseName, refuseSettings } from './refusals.js'
import { WorkTurns } from './work-turns.js'

/** Bytes held of what strangers have sent and not completed: 64 MiB, a quarter of what a server holds by default. */
const mostUnfinished = 64 << 20
/** Milliseconds for what is not completed and does not come on: half of a server's. */
const unfinishedMs = 15_000

/** A connection's own doings, undefined where its URL asks for none and it is a plain echo. */
type Session = EchoSession | undefined

/** What the connections of a service have together. */
interface Shared {
  readonly held: HeldBytes
  readonly turns: WorkTurns
}

/**
 * Starts a server that sends every message back as it came, unless the URL's query asks for other doings; and shows a
 * page to try it with. It lets in clients that are no browsers, its own pages, and others where it is told to.
 * Of the subprotocols that a client offers it chooses the first, as some clients insist on one.
 */
export async function startEchoService(
  address: ListenAddress,
  options: PageOptions = {},
  turns = new WorkTurns(),
): Promise<Server<Session>> {
  const shared = { held: new HeldBytes(), turns }
  const answer = echoPages()
  const server: Server<Session> = await serve<Session>({
    ...address,
    origin: options.anyOrigin === true ? 'any' : [],
    // Only where a browser asks: see there.
    hosts: 'any',
    maxMessageBytes: longestEcho,
    maxTotalReceiveBytes: mostUnfinished,
    messageTimeoutMs: unfinishedMs,
    // Only for those who ask for it, below.
    perMessageDeflate: true,
    upgrade: (request) =>
      request.headers.has('origin') && isByForeignName(request, address.host, options)
        ? refuseName()
        : admit(request, shared),
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
    request: (request) => answer(request, server),
  })
  return server
}

function admit(request: IncomingRequest, { held, turns }: Shared): UpgradeAnswer<Session> {
  const { protocols } = request
  const url = new URL(request.url)
  if (url.search === '') return { data: undefined, protocol: protocols[0], perMessageDeflate: false }
  const { settings, complaint } = readEchoSettings(url.searchParams)
  if (complaint !== undefined) return refuseSettings(complaint)
  const { status, subprotocol = protocols[0] ?? '' } = settings
  if (status !== undefined) return refuseAsAsked(status, url)
  if (subprotocol !== '' && !protocols.includes(subprotocol)) {
    const offered = protocols.length === 0 ? 'none' : protocols.join(', ')
    return refuseSettings(`of the subprotocols that the client offers (${offered}) none is "${subprotocol}"`)
  }
  return {
    data: new EchoSession(settings, held, turns),
    protocol: subprotocol,
    perMessageDeflate: settings.deflate === true,
    // A message that is read slowly is taken as it comes.
    messageStream: settings.slow !== undefined,
  }
}

/** Who sends without reading is not read from until the echoes have gone: nothing piles up here. */
function echo(socket: ServerSocket<Session>, message: string | Uint8Array): void {
  if (socket.send(message) === 'buffered') socket.pause()
}
