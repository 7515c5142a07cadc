import type { Clock } from '../../../ports/clock.js'
import type { Compressor, ContextSource, DeflateCodec } from '../../../ports/deflate-codec.js'
import type { Payload } from '../../../ports/payload.js'
import type { AcceptedExtension, Extension, ExtensionNegotiator } from '../extension.js'
import { type ExtensionOffer, formatExtensions } from '../extension-header.js'
import { agreementOf, answerOffer, type DeflateAgreement, fitsOffer, offerOf } from './deflate-agreement.js'
import type { DeflateSettings } from './deflate-options.js'
import {
  type DeflateParameters,
  deflateName,
  mostWindowBits,
  readDeflateParameters,
  writeDeflateParameters,
} from './deflate-parameters.js'
import { IdleContexts } from './idle-contexts.js'
import { type DeflateTerms, PermessageDeflate } from './permessage-deflate.js'
import { SharedDeflate } from './shared-deflate.js'

export interface DeflatePorts {
  readonly codec: DeflateCodec
  readonly payload: Payload
  readonly clock: Clock
}

/** What the connections share that were answered alike. */
interface AcceptedTerms {
  readonly answer: string
  readonly terms: DeflateTerms
}

/** A pause in which a new context costs less than to keep the old: it is made in 50 us, and takes up to 300 KiB. */
const idleContextMs = 10_000

/** Agrees on permessage-deflate, RFC 7692 §5.1 and §7.1, for the connections of one server or client. */
export class DeflateNegotiator implements ExtensionNegotiator {
  readonly name = deflateName
  readonly offers: readonly ExtensionOffer[]
  readonly #ports: DeflatePorts
  /** A client's offers, the preferred first; of a server the first alone counts. */
  readonly #settings: readonly DeflateSettings[]
  readonly #idle: IdleContexts
  readonly #shared = new Map<ContextSource<Compressor>, SharedDeflate>()
  /** A server's, by the answer, which says it all: of each there are few, and connections many. */
  readonly #accepted = new Map<string, AcceptedTerms>()
  /** The same by the offer: of one that came before it is the same object, and need not be read again. */
  readonly #decided = new WeakMap<ExtensionOffer, AcceptedTerms>()

  /** @param settings one at least */
  constructor(settings: readonly DeflateSettings[], ports: DeflatePorts) {
    this.#settings = settings
    this.#ports = ports
    this.#idle = new IdleContexts(ports.clock, idleContextMs)
    this.offers = settings.map((wanted) => writeDeflateParameters(offerOf(wanted, ports.codec)))
  }

  accept(offer: ExtensionOffer): AcceptedExtension | undefined {
    const decided = this.#decided.get(offer) ?? this.#decide(offer)
    if (decided === undefined) return undefined
    this.#decided.set(offer, decided)
    return { answer: decided.answer, extension: new PermessageDeflate(decided.terms) }
  }

  #decide(offer: ExtensionOffer): AcceptedTerms | undefined {
    const { codec } = this.#ports
    const settings = this.#settings[0]!
    const offered = readDeflateParameters(offer, 'offer')
    const answer = offered && answerOffer(offered, settings, codec)
    if (offered === undefined || answer === undefined) return undefined
    const written = formatExtensions([writeDeflateParameters(answer)])
    const accepted = this.#accepted.get(written) ?? {
      answer: written,
      terms: this.#terms(agreementOf('server', answer, offered, codec), settings),
    }
    this.#accepted.set(written, accepted)
    return accepted
  }

  confirm(answer: ExtensionOffer): Extension | undefined {
    const answered = readDeflateParameters(answer, 'answer')
    return answered === undefined ? undefined : this.#confirm(answered)
  }

  #confirm(answered: DeflateParameters): Extension | undefined {
    const { codec } = this.#ports
    for (let at = 0; at < this.#settings.length; at++) {
      const settings = this.#settings[at]!
      const offered = offerOf(settings, codec)
      if (fitsOffer(answered, offered)) {
        return new PermessageDeflate(this.#terms(agreementOf('client', answered, offered, codec), settings))
      }
    }
    return undefined
  }

  #sharedBy(source: ContextSource<Compressor>): SharedDeflate {
    const shared = this.#shared.get(source) ?? new SharedDeflate(source)
    this.#shared.set(source, shared)
    return shared
  }

  #terms({ own, peer }: DeflateAgreement, { level, memLevel, thresholdBytes }: DeflateSettings): DeflateTerms {
    const { codec, payload } = this.#ports
    // A window that is not kept is shared by all, whatever they agreed on.
    const windowBits = peer.takeover ? peer.windowBits : mostWindowBits
    const source = own && codec.compressors({ ...own, level, memLevel })
    return {
      payload,
      idle: this.#idle,
      thresholdBytes,
      compressesPieces: codec.compressesPieces,
      shared: source === undefined || own?.takeover ? undefined : this.#sharedBy(source),
      own: source && { source, takeover: own!.takeover },
      peer: { source: codec.inflaters({ ...peer, windowBits }), takeover: peer.takeover },
    }
  }
}
