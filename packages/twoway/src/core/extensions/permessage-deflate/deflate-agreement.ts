import type { ContextParameters, DeflateCodec } from '../../../ports/deflate-codec.js'
import type { DeflateSettings } from './deflate-options.js'
import { type DeflateParameters, mostWindowBits } from './deflate-parameters.js'

/** What both sides agreed upon, seen from one of them. */
export interface DeflateAgreement {
  /** How this side compresses; undefined where it can't keep to what was agreed, and so sends all as it is. */
  readonly own: ContextParameters | undefined
  /** How the other side compresses, at most. */
  readonly peer: ContextParameters
}

type Abilities = Pick<DeflateCodec, 'keepsHistory' | 'smallestWindowBits'>

/**
 * A server's answer to an offer, RFC 7692 §7.1, or undefined to decline it: where it wants a smaller window than the
 * codec has, or does not let the server set the limit to the client's window that it wants.
 */
export function answerOffer(
  offer: DeflateParameters,
  settings: DeflateSettings,
  { keepsHistory, smallestWindowBits }: Abilities,
): DeflateParameters | undefined {
  const serverBits = least(settings.serverMaxWindowBits, offer.serverMaxWindowBits)
  if (serverBits !== undefined && serverBits < smallestWindowBits) return undefined
  // §7.1.2.2: an answer must not have the parameter where the offer hasn't.
  const clientBits = settings.clientMaxWindowBits ?? mostWindowBits
  if (offer.clientMaxWindowBits === undefined && clientBits < mostWindowBits) return undefined
  const offeredBits = offer.clientMaxWindowBits === true ? undefined : offer.clientMaxWindowBits
  return {
    serverNoContextTakeover: settings.serverNoContextTakeover || offer.serverNoContextTakeover || !keepsHistory,
    clientNoContextTakeover: settings.clientNoContextTakeover || offer.clientNoContextTakeover || !keepsHistory,
    serverMaxWindowBits: serverBits,
    clientMaxWindowBits:
      offer.clientMaxWindowBits === undefined ? undefined : least(settings.clientMaxWindowBits, offeredBits),
  }
}

/** What a client offers, §7.1: by default no more than that the server may limit the client's window. */
export function offerOf(settings: DeflateSettings, { keepsHistory, smallestWindowBits }: Abilities): DeflateParameters {
  return {
    serverNoContextTakeover: settings.serverNoContextTakeover || !keepsHistory,
    clientNoContextTakeover: settings.clientNoContextTakeover,
    serverMaxWindowBits: settings.serverMaxWindowBits,
    clientMaxWindowBits: smallestWindowBits === mostWindowBits ? undefined : (settings.clientMaxWindowBits ?? true),
  }
}

/** Whether an answer is one to this offer, §7.1: what was demanded is granted, and no limit set that was not offered. */
export function fitsOffer(answer: DeflateParameters, offer: DeflateParameters): boolean {
  if (offer.serverNoContextTakeover && !answer.serverNoContextTakeover) return false
  if (exceeds(answer.serverMaxWindowBits, offer.serverMaxWindowBits)) return false
  if (answer.clientMaxWindowBits === undefined) return true
  return offer.clientMaxWindowBits === true || Number(answer.clientMaxWindowBits) <= Number(offer.clientMaxWindowBits)
}

/** What an answer means for one side. */
export function agreementOf(
  role: 'client' | 'server',
  answer: DeflateParameters,
  offer: DeflateParameters,
  { keepsHistory, smallestWindowBits }: Abilities,
): DeflateAgreement {
  const client = {
    windowBits: least(bitsOf(answer), bitsOf(offer)) ?? mostWindowBits,
    takeover: !answer.clientNoContextTakeover && !offer.clientNoContextTakeover,
  }
  const server = {
    windowBits: answer.serverMaxWindowBits ?? mostWindowBits,
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
