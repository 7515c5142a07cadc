/** What a runtime may lack: a case that needs it is listed as lacking there, with the reason. */
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

/** Where the servers listen, for a suite on the same machine. It travels as JSON. */
export interface Place {
  /** `twoway echo`, the service that users run. */
  readonly echoUrl: string
  /** The server of the rules, `startServers` in test/whatwg. */
  readonly scriptedUrl: string
  readonly rawUrl: string
  /** Where nothing listens. */
  readonly deafUrl: string
  /** The servers that send without end, see service.ts, and the certificate of the one with TLS. */
  readonly floodUrl: string
  readonly secureUrl: string
  readonly certificate: string
}

/** One thing that the client does alike on every runtime. */
export interface Case {
  readonly name: string
  readonly needs?: readonly Capability[]
  run(place: Place): Promise<void>
}

/** What became of a case: 'pass', or in words why not. */
export interface Outcome {
  readonly name: string
  readonly result: string
}
