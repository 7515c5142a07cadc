import { HandshakeError } from '../errors.js'
import { quoted } from '../printable.js'
import type { AcceptedExtension, Extension, ExtensionNegotiator } from './extension.js'
import type { ExtensionOffer } from './extension-header.js'

/** A server's choice: the first offer that one of its extensions takes, in the client's order of preference, RFC 6455 §9.1. */
export function acceptExtension(
  offers: readonly ExtensionOffer[],
  negotiators: readonly ExtensionNegotiator[],
): AcceptedExtension | undefined {
  for (const offer of offers) {
    const accepted = negotiators.find(({ name }) => name === offer.name)?.accept(offer)
    if (accepted !== undefined) return accepted
  }
  return undefined
}

/** A client's reading of the server's answer, RFC 6455 §4.1: no extension, or one that was offered and fits the offer. */
export function confirmExtension(
  answers: readonly ExtensionOffer[],
  negotiators: readonly ExtensionNegotiator[],
): Extension | undefined {
  const { 0: answer, 1: second } = answers
  if (answer === undefined) return undefined
  if (second !== undefined)
    throw new HandshakeError('extensionNotOffered', `${quoted(answer.name)} together with ${quoted(second.name)}`, 101)
  const extension = negotiators.find(({ name }) => name === answer.name)?.confirm(answer)
  if (extension === undefined) throw new HandshakeError('extensionNotOffered', quoted(answer.name), 101)
  return extension
}
