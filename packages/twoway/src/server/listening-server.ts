import { HandshakeError, UsageError } from '../core/errors.js'
import { checkRequest, refusalOf } from '../core/handshake/server-handshake.js'
import type { HttpHandler, HttpListener, HttpResponse, RequestHead } from '../ports/http-host.js'
import type { Transport, TransportPeer } from '../ports/transport.js'
import { Admission, failure } from './admission.js'
import { HandlerCalls } from './handler-calls.js'
import { Heartbeat } from './heartbeat.js'
import { checkHost } from './host.js'
import { readHttpAnswer } from './http-answer.js'
import { IncomingRequest } from './incoming-request.js'
import { type AcceptedHandshake, ServerConnection } from './server-connection.js'
import { type ServerPorts, type ServerSettings, settleServer } from './server-settings.js'
import type { ServeOptions, Server } from './server-types.js'

/** Starts a server over a runtime's ports. Rejects with a UsageError for wrong options, else with the system's error. */
export async function startServer<Data>(options: ServeOptions<Data>, ports: ServerPorts): Promise<Server<Data>> {
  const settings = settleServer(options, ports)
  const server = new ListeningServer(settings)
  await server.listen()
  return server
}

/** A server that admits clients, keeps their connections, and closes them when it stops. */
class ListeningServer<Data> implements Server<Data>, HttpHandler {
  readonly connections = new Set<ServerConnection<Data>>()
  readonly #settings: ServerSettings<Data>
  readonly #calls: HandlerCalls<Data>
  readonly #admission: Admission<Data>
  readonly #heartbeat: Heartbeat<Data>
  #listener: HttpListener | undefined
  #closed: Promise<void> | undefined
  readonly #onEmpty: (() => void)[] = []

  constructor(settings: ServerSettings<Data>) {
    this.#settings = settings
    this.#calls = new HandlerCalls(settings, (socket) => {
      this.connections.delete(socket)
      if (this.connections.size === 0) for (const resolve of this.#onEmpty.splice(0)) resolve()
    })
    this.#admission = new Admission(settings, this.connections, {
      accepted: (accepted) => this.#open(accepted),
      failed: (error) => this.#calls.failedWithoutSocket(error),
    })
    this.#heartbeat = new Heartbeat(settings, this.connections, (socket, error) => {
      this.#calls.error(socket, error)
      socket.terminate()
    })
  }

  async listen(): Promise<void> {
    this.#listener = await this.#settings.ports.httpHost.listen(this.#settings.listen, this)
    this.#heartbeat.start()
  }

  get port(): number {
    return this.#listener!.port
  }

  get url(): string {
    const { address, port } = this.#listener!
    const host =
      address === '0.0.0.0' || address === '::' ? 'localhost' : address.includes(':') ? `[${address}]` : address
    return `${this.#settings.listen.tls === undefined ? 'ws' : 'wss'}://${host}:${port}`
  }

  get isReady(): boolean {
    return !this.#admission.isStopped
  }

  async drain({ withinMs }: { readonly withinMs: number }): Promise<void> {
    if (!(Number.isFinite(withinMs) && withinMs >= 0)) {
      throw new UsageError('optionInvalid', `withinMs must be milliseconds from 0 on, not ${String(withinMs)}`)
    }
    const refused = this.#admission.stop()
    await Promise.all([...this.connections].map((socket) => this.#closeLater(socket, withinMs)))
    await this.#whenEmpty()
    await refused
  }

  close(): Promise<void> {
    this.#closed ??= this.#stop()
    return this.#closed
  }

  upgrade(head: RequestHead, transport: Transport): void {
    if (meansToUpgrade(head)) this.#admission.admit(head, transport)
    // RFC 9110 §7.8: an Upgrade to what we do not speak is ignored.
    else this.#admission.answer(transport, this.request(head, transport.peer))
  }

  async request(head: RequestHead, peer: TransportPeer): Promise<HttpResponse> {
    const handler = this.#settings.handlers.request
    try {
      if (handler === undefined || meansToUpgrade(head)) checkRequest(head)
      const request = new IncomingRequest(head, peer, 'http')
      checkHost(request.headers, this.#settings.listen.host, this.#settings.hosts)
      return await readHttpAnswer(await this.#settings.handlers.request!(request))
    } catch (error) {
      if (error instanceof HandshakeError) return refusalOf(error)
      this.#calls.failedWithoutSocket(error)
      return failure
    }
  }

  failed(error: Error): void {
    this.#calls.failedWithoutSocket(error)
  }

  #open(accepted: AcceptedHandshake<Data>): void {
    const socket = new ServerConnection(this.#settings, accepted, this.#calls, this.#heartbeat.firstTicks())
    this.connections.add(socket)
    this.#calls.open(socket)
    if (accepted.ahead !== undefined) socket.receive(accepted.ahead)
  }

  /** Closes a connection at a moment that chance picks: all together leave evenly, and come back so. */
  #closeLater(socket: ServerConnection<Data>, withinMs: number): Promise<void> {
    const { clock, random } = this.#settings.ports
    const share = (random.maskingKey() >>> 0) / 2 ** 32
    return new Promise((resolve) => {
      clock.after(share * withinMs, () => {
        socket.close(1012, 'the server makes room for its successor')
        resolve()
      })
    })
  }

  #whenEmpty(): Promise<void> {
    if (this.connections.size === 0) return Promise.resolve()
    return new Promise((resolve) => this.#onEmpty.push(resolve))
  }

  async #stop(): Promise<void> {
    const refused = this.#admission.stop()
    const released = this.#listener!.close()
    for (const socket of this.connections) socket.close(1001, 'the server is stopping')
    await this.#whenEmpty()
    this.#heartbeat.stop()
    await refused
    await released
  }
}

/** Whether a request is meant as a handshake, if perhaps a broken one: then it is told what it lacks. */
function meansToUpgrade({ fields }: RequestHead): boolean {
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at]!.toLowerCase()
    if (name === 'sec-websocket-key') return true
    if (name === 'upgrade' && /\bwebsocket\b/i.test(fields[at + 1]!)) return true
  }
  return false
}
