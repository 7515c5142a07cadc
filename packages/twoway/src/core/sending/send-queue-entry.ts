import type { MessageWriter } from './message-writer.js'
import type { WholeMessage } from './whole-message.js'

/** A message with all its bytes, which is queued or which the queue waits for. */
interface WholeEntry {
  readonly kind: 'whole'
  /** Its bytes do not change any more. Empty while they are read or encoded. */
  message: WholeMessage
  readonly compress: boolean | undefined
  state: 'reading' | 'ready' | 'encoding'
  /** Length of the payload before an extension encodes it. */
  readonly waitingBytes: number
}

/** The Close frame (RFC 6455 §5.5.1); without a payload, the end of the transport's sending side. */
interface ClosingEntry {
  readonly kind: 'closing'
  readonly payload: Uint8Array | undefined
  readonly waitingBytes: 0
}

/** An entry of a `SendQueue`. */
export type Entry = WholeEntry | MessageWriter | ClosingEntry

export function wholeEntry(
  message: WholeMessage,
  compress: boolean | undefined,
  state: WholeEntry['state'],
  waitingBytes: number,
): WholeEntry {
  return { kind: 'whole', message, compress, state, waitingBytes }
}

export function stateOf(entry: Entry | undefined): WholeEntry['state'] | undefined {
  return entry?.kind === 'whole' ? entry.state : undefined
}
