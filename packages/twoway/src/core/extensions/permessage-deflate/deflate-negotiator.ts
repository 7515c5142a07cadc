import type { Clock } from '../../../ports/clock.js'
import type { Compressor, ContextSource, DeflateCodec } from '../../../ports/deflate-codec.js'
import type { ScratchPool } from '../../sending/scratch-pool.js'
import type { AcceptedExtension, Extension, ExtensionNegotiator } from '../extension.js'
import { type ExtensionOffer, formatExtensions } from '../extension-header.js'
import { agreementOf, answerOffer, type DeflateAgreement, fitsOffer, offerOf } from './deflate-agreement.js'
import type { DeflateSettings } from './deflate-options.js'
import {
  type DeflateParameters,
  deflateName,
  maxWindowBits,
  readDeflateParameters,
  writeDeflateParameters,
} from './deflate-parameters.js'
import { IdleContexts } from './idle-contexts.js'
import { type DeflateTerms, PermessageDeflate } from './permessage-deflate.js'
import { SharedDeflate } from './shared-deflate.js'

export interface DeflatePorts {
  readonly codec: DeflateCodec
  readonly scratchPool: ScratchPool
  readonly clock: Clock
}

/** State that connections with the same agreement share. */
interface AcceptedTerms {
  readonly answer: string
  readonly terms: DeflateTerms
}

/** Idle time after which a compressor is released: creating a new one then costs less than up to 300 KiB of memory. */
const idleContextMs = 10_000

/** Negotiates permessage-deflate, RFC 7692 §5.1 and §7.1, for the connections of one server or client. */
export class DeflateNegotiator implements ExtensionNegotiator {
  readonly name = deflateName
  readonly offers: readonly ExtensionOffer[]
  readonly #ports: DeflatePorts
  /** A client's offers in order of preference; a server uses the first only. */
  readonly #settings: readonly DeflateSettings[]
  readonly #idle: IdleContexts
  readonly #shared = new Map<ContextSource<Compressor>, SharedDeflate>()
  /** For a server, by the formatted answer, which determines the terms. There are few answers and many connections. */
  readonly #accepted = new Map<string, AcceptedTerms>()
  /** The same by the parsed offer: a repeated offer is the same object and need not be read again. */
  readonly #decided = new WeakMap<ExtensionOffer, AcceptedTerms>()

  /** @param settings at least one */
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
    const { codec, scratchPool } = this.#ports
    // Contexts without takeover are shared by all connections, so they use the largest window.
    const windowBits = peer.takeover ? peer.windowBits : maxWindowBits
    const source = own && codec.compressors({ ...own, level, memLevel })
    return {
      scratchPool,
      idle: this.#idle,
      thresholdBytes,
      compressesPieces: codec.compressesPieces,
      shared: source === undefined || own?.takeover ? undefined : this.#sharedBy(source),
      own: source && { source, takeover: own!.takeover },
      peer: { source: codec.inflaters({ ...peer, windowBits }), takeover: peer.takeover },
    }
  }
}
