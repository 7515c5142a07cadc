import { computed, signal } from '@preact/signals'
import { BulkSend } from '../bulk-send.js'
import { RoundTrips } from '../round-trips.js'
import { Session } from '../session.js'
import type { Action } from '../snippet.js'
import type { Words } from '../words/english.js'

export const session = new Session()
export const roundTrips = new RoundTrips(session)
export const bulkSend = new BulkSend(session)

/** The contents of the fields; used by the next connection. */
export const urlField = signal(serviceUrl())
export const protocolsField = signal('')
/** The key of the error text for a field that the constructor refused. */
export const refusal = signal<Extract<keyof Words, 'notUrl' | 'badProtocols' | 'mixedContent'> | undefined>(undefined)
export const lastAction = signal<Action>({ kind: 'connect' })

export const isOpen = computed(() => session.agreement.value !== undefined)
export const protocols = computed(() =>
  protocolsField.value
    .split(',')
    .map((protocol) => protocol.trim())
    .filter((protocol) => protocol !== ''),
)

/** The syntax of a subprotocol, RFC 6455 §4.1: a token of RFC 9110 §5.6.2. */
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/** Connects with the contents of the fields. */
export function connect(): void {
  refusal.value = undefined
  try {
    session.connect(urlField.value.trim(), protocols.value)
    lastAction.value = { kind: 'connect' }
  } catch (error) {
    refusal.value = reasonOf(error)
  }
}

function reasonOf(error: unknown): NonNullable<typeof refusal.value> {
  if (error instanceof DOMException && error.name === 'SecurityError') return 'mixedContent'
  const offered = protocols.value
  const areRight = offered.every((protocol) => token.test(protocol)) && new Set(offered).size === offered.length
  return areRight ? 'notUrl' : 'badProtocols'
}

/** The URL of the service that served the page, or of `npm start` if the page is a file. */
function serviceUrl(): string {
  const { host, protocol } = location
  return host === '' ? 'ws://127.0.0.1:8080/' : `${protocol === 'https:' ? 'wss' : 'ws'}://${host}/`
}
