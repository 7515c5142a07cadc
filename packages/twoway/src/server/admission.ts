import { HandshakeError, UsageError } from '../core/errors.js'
import { formatExtensions } from '../core/extensions/extension-header.js'
import { acceptExtension } from '../core/extensions/negotiation.js'
import { acceptanceOf, type ClientOffer, checkRequest, refusalOf } from '../core/handshake/server-handshake.js'
import type { Timer } from '../ports/clock.js'
import type { HttpResponse, RequestHead } from '../ports/http-host.js'
import type { Transport } from '../ports/transport.js'
import { fieldsOf, readHttpAnswer } from './http-answer.js'
import { IncomingRequest } from './incoming-request.js'
import { isThenable } from './is-thenable.js'
import { checkOrigin } from './origin.js'
import { Refusal } from './refusal.js'
import type { AcceptedHandshake } from './server-connection.js'
import type { ServerSettings } from './server-settings.js'
import type { HttpAnswer, UpgradeAcceptance, UpgradeAnswer } from './server-types.js'

export interface AdmissionEvents<Data> {
  /** The handshake was answered with 101; the transport is not started. */
  accepted(accepted: AcceptedHandshake<Data>): void
  /** The user's handler failed, or what it returned can't be used. */
  failed(error: unknown): void
}

const stopping: HttpResponse = {
  status: 503,
  fields: ['Content-Type', 'text/plain; charset=utf-8'],
  body: 'the server is stopping: try again later\n',
}

export const failure: HttpResponse = {
  status: 500,
  fields: ['Content-Type', 'text/plain; charset=utf-8'],
  body: 'the server failed on this request\n',
}

const tooLate: HttpAnswer = { status: 503, body: 'the server did not decide on this request in time\n' }

/** Decides on opening handshakes: by the standard's rules, by the page's origin, then by the user's `upgrade`. */
export class Admission<Data> {
  readonly #settings: ServerSettings<Data>
  readonly #events: AdmissionEvents<Data>
  #isStopped = false

  constructor(settings: ServerSettings<Data>, events: AdmissionEvents<Data>) {
    this.#settings = settings
    this.#events = events
  }

  /** Refuses all handshakes that are not decided yet, and all to come. */
  stop(): void {
    this.#isStopped = true
  }

  /** Answers a handshake, later than this call returns. What the peer sends meanwhile waits in the transport. */
  async admit(head: RequestHead, transport: Transport): Promise<void> {
    try {
      const offer = checkRequest(head)
      checkOrigin(offer.headers, transport.peer.encrypted, this.#settings.origin)
      const request = new IncomingRequest(head, transport.peer, 'ws', offer.headers, offer.protocols)
      const answer = this.#isStopped ? undefined : await this.#ask(request)
      if (this.#isStopped) this.#refuse(transport, stopping)
      else if (isRefusal(answer)) this.#refuse(transport, await readHttpAnswer(answer))
      else this.#accept(transport, offer, request, answer)
    } catch (error) {
      if (error instanceof HandshakeError) {
        this.#refuse(transport, refusalOf(error))
      } else {
        this.#refuse(transport, failure)
        this.#events.failed(error)
      }
    }
  }

  /** The user's decision; a promise has as long as the handshake has. */
  #ask(request: IncomingRequest): UpgradeAnswer<Data> | Promise<UpgradeAnswer<Data>> {
    const { handlers, limits, ports } = this.#settings
    const answer = handlers.upgrade?.(request)
    if (!isThenable(answer)) return answer
    return new Promise((resolve, reject) => {
      const timer: Timer = ports.clock.after(limits.handshakeTimeoutMs, () => resolve(tooLate))
      answer.then(resolve, reject).then(() => timer.cancel())
    })
  }

  #accept(
    transport: Transport,
    offer: ClientOffer,
    request: IncomingRequest,
    answer: UpgradeAcceptance<Data> | UpgradeAcceptance<undefined> = {},
  ): void {
    const { protocol = '', headers } = answer
    if (protocol !== '' && !offer.protocols.includes(protocol)) {
      const offered = offer.protocols.length === 0 ? 'none' : offer.protocols.join(', ')
      throw new UsageError(
        'protocolNotOffered',
        `upgrade() chose the subprotocol "${protocol}", of those offered (${offered}) it must be one: choose from request.protocols`,
      )
    }
    const agreed = acceptExtension(offer.extensions, this.#settings.ports.negotiators)
    const extensions = agreed === undefined ? undefined : formatExtensions([agreed.answer])
    transport.write(acceptanceOf({ key: offer.key, protocol, extensions, fields: fieldsOf(headers) }))
    this.#events.accepted({
      transport,
      request,
      data: answer.data as Data,
      protocol,
      extensions: extensions ?? '',
      extension: agreed?.extension,
    })
  }

  #refuse(transport: Transport, response: HttpResponse): void {
    const { ports, limits } = this.#settings
    new Refusal(transport, response, ports.clock, limits.closeTimeoutMs).start()
  }
}

function isRefusal<Data>(answer: UpgradeAnswer<Data>): answer is HttpAnswer {
  return answer?.status !== undefined
}
