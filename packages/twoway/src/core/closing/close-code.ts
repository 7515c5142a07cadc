interface CloseCodeRow {
  /** The meaning in words, to follow the number in a sentence. */
  readonly meaning: string
  /** Whether a Close frame may carry it, §7.4. */
  readonly onWire: boolean
}

/** The status codes that RFC 6455 §7.4.1 and the IANA registry of §11.7 define. */
export const closeCodes: { readonly [code: number]: CloseCodeRow } = {
  1000: { onWire: true, meaning: 'normal closure' },
  1001: { onWire: true, meaning: 'going away: a server is stopping, or a page was left' },
  1002: { onWire: true, meaning: 'protocol error' },
  1003: { onWire: true, meaning: 'a type of data that the endpoint does not take' },
  1004: { onWire: false, meaning: 'reserved' },
  1005: { onWire: false, meaning: 'closed without a status code' },
  1006: { onWire: false, meaning: 'closed without a closing handshake' },
  1007: { onWire: true, meaning: 'data that does not fit the type of the message, such as text that is not UTF-8' },
  1008: { onWire: true, meaning: 'against the policy of the endpoint' },
  1009: { onWire: true, meaning: 'a message too big to process' },
  1010: { onWire: true, meaning: 'the server did not negotiate an extension that the client needs' },
  1011: { onWire: true, meaning: 'an internal error of the endpoint' },
  1012: { onWire: true, meaning: 'the service restarts: come back after a while' },
  1013: { onWire: true, meaning: 'overloaded: try again later' },
  1014: { onWire: true, meaning: 'a gateway had an invalid response from the server behind it' },
  1015: { onWire: false, meaning: 'TLS handshake failed' },
  3000: { onWire: true, meaning: 'unauthorized: the endpoint wants to know who connects' },
  3003: { onWire: true, meaning: 'forbidden: this client may not connect' },
  3008: { onWire: true, meaning: 'timeout: the peer took too long' },
}

/**
 * Whether a Close frame may carry a status code, RFC 6455 §7.4: a defined code, or one for libraries or applications.
 */
export function isWireCloseCode(code: number): boolean {
  return closeCodes[code]?.onWire ?? (Number.isInteger(code) && code >= 3000 && code <= 4999)
}

/**
 * The meaning of a close code in a few words without a full stop: "overloaded: try again later" for 1013. Describes
 * codes without a row by their range, RFC 6455 §7.4.2.
 */
export function describeCloseCode(code: number): string {
  const row = closeCodes[code]
  if (row !== undefined) return row.meaning
  if (code >= 4000 && code <= 4999) return "a code of the application's own"
  if (code >= 3000 && code < 4000) return 'a code of a library or framework'
  if (code >= 1000 && code < 3000) return 'a code that is kept for later versions of the standard'
  return 'not a close code'
}
