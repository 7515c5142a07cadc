import type { ContextParameters, DeflateCodec } from '../../../ports/deflate-codec.js'
import type { DeflateSettings } from './deflate-options.js'
import { type DeflateParameters, maxWindowBits } from './deflate-parameters.js'

/** The negotiated parameters, as one side sees them. */
export interface DeflateAgreement {
  /** The settings of this side's compressor; undefined if the codec can't meet the agreement, so messages go out uncompressed. */
  readonly own: ContextParameters | undefined
  /** The upper bound of how the other side compresses. */
  readonly peer: ContextParameters
}

type Abilities = Pick<DeflateCodec, 'keepsHistory' | 'smallestWindowBits'>

/**
 * A server's answer to an offer, RFC 7692 §7.1. Undefined to decline it: the offer requires a smaller window than the
 * codec has, or does not allow the limit that the server's settings require for the client's window.
 */
export function answerOffer(
  offer: DeflateParameters,
  settings: DeflateSettings,
  { keepsHistory, smallestWindowBits }: Abilities,
): DeflateParameters | undefined {
  const serverBits = least(settings.serverMaxWindowBits, offer.serverMaxWindowBits)
  if (serverBits !== undefined && serverBits < smallestWindowBits) return undefined
  // §7.1.2.2: an answer must not have the parameter unless the offer has it.
  const clientBits = settings.clientMaxWindowBits ?? maxWindowBits
  if (offer.clientMaxWindowBits === undefined && clientBits < maxWindowBits) return undefined
  const offeredBits = offer.clientMaxWindowBits === true ? undefined : offer.clientMaxWindowBits
  return {
    serverNoContextTakeover: settings.serverNoContextTakeover || offer.serverNoContextTakeover || !keepsHistory,
    clientNoContextTakeover: settings.clientNoContextTakeover || offer.clientNoContextTakeover || !keepsHistory,
    serverMaxWindowBits: serverBits,
    clientMaxWindowBits:
      offer.clientMaxWindowBits === undefined ? undefined : least(settings.clientMaxWindowBits, offeredBits),
  }
}

/** A client's offer, §7.1. By default it only allows the server to limit the client's window. */
export function offerOf(settings: DeflateSettings, { keepsHistory, smallestWindowBits }: Abilities): DeflateParameters {
  return {
    serverNoContextTakeover: settings.serverNoContextTakeover || !keepsHistory,
    clientNoContextTakeover: settings.clientNoContextTakeover,
    serverMaxWindowBits: settings.serverMaxWindowBits,
    clientMaxWindowBits: smallestWindowBits === maxWindowBits ? undefined : (settings.clientMaxWindowBits ?? true),
  }
}

/** Whether an answer fits an offer, §7.1: it grants each demand, and sets no limit that was not offered. */
export function fitsOffer(answer: DeflateParameters, offer: DeflateParameters): boolean {
  if (offer.serverNoContextTakeover && !answer.serverNoContextTakeover) return false
  if (exceeds(answer.serverMaxWindowBits, offer.serverMaxWindowBits)) return false
  if (answer.clientMaxWindowBits === undefined) return true
  return offer.clientMaxWindowBits === true || Number(answer.clientMaxWindowBits) <= Number(offer.clientMaxWindowBits)
}

/** The parameters of each side that an answer results in. */
export function agreementOf(
  role: 'client' | 'server',
  answer: DeflateParameters,
  offer: DeflateParameters,
  { keepsHistory, smallestWindowBits }: Abilities,
): DeflateAgreement {
  const client = {
    windowBits: least(bitsOf(answer), bitsOf(offer)) ?? maxWindowBits,
    takeover: !answer.clientNoContextTakeover && !offer.clientNoContextTakeover,
  }
  const server = {
    windowBits: answer.serverMaxWindowBits ?? maxWindowBits,
    takeover: !answer.serverNoContextTakeover,
  }
  const own = role === 'client' ? client : server
  const peer = role === 'client' ? server : client
  return {
    own:
      own.windowBits < smallestWindowBits
        ? undefined
        : { windowBits: own.windowBits, takeover: own.takeover && keepsHistory },
    peer,
  }
}

function bitsOf({ clientMaxWindowBits }: DeflateParameters): number | undefined {
  return clientMaxWindowBits === true ? undefined : clientMaxWindowBits
}

function least(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.min(one, other)
}

function exceeds(answered: number | undefined, offered: number | undefined): boolean {
  return offered !== undefined && (answered === undefined || answered > offered)
}
