/** Features that a runtime may lack. A case that needs one is listed as lacking there, with the reason. */
export const capabilities = {
  options: 'takes an options object in place of the subprotocols',
  reasons: 'tells why a handshake failed',
  errorWhenLost: 'fires error where the connection is lost, RFC 6455 §7.2.1',
  uint8Chunks: 'gives a binary chunk as a Uint8Array',
  tls: 'takes a certification authority of the caller',
  receiveBackpressure: 'stops reading where nobody reads a stream',
  receiveBackpressureTls: 'stops reading from TLS where nobody reads a stream',
} as const
export type Capability = keyof typeof capabilities

/** The addresses of the servers, for a suite on the same machine, sent as JSON. */
export interface Addresses {
  /** The URL of `twoway echo`, the service that users run. */
  readonly echoUrl: string
  /** The URLs of the servers of the rules, `startServers` in test/whatwg. */
  readonly scriptedUrl: string
  readonly rawUrl: string
  /** An address without a listener. */
  readonly deafUrl: string
  /** The URLs of the servers that send without end, see service.ts, and the certificate of the one with TLS. */
  readonly floodUrl: string
  readonly secureUrl: string
  readonly certificate: string
}

/** A behaviour of the client that is the same on every runtime. */
export interface Case {
  readonly name: string
  readonly needs?: readonly Capability[]
  run(addresses: Addresses): Promise<void>
}

/** The result of a case: 'pass', or the reason of the failure. */
export interface Outcome {
  readonly name: string
  readonly result: string
}
