/*
 * The one place where this room takes classes of the platform. Node loads its `fetch` when Request is first read, and
 * MessageEvent in the same way; an import of this package must not cause that, so they are read when they are needed.
 */

interface BuiltinModules {
  readonly 'node:buffer': { readonly Buffer: { from(content: string | Uint8Array): Uint8Array } }
  readonly 'node:url': Pick<typeof globalThis, 'URL'>
  readonly 'node:util': Pick<typeof globalThis, 'TextDecoder' | 'TextEncoder'>
}

interface BuiltinLoader {
  getBuiltinModule?<Name extends keyof BuiltinModules>(name: Name): BuiltinModules[Name] | undefined
}

const { process, Event: PlatformEvent } = globalThis as typeof globalThis & { readonly process?: BuiltinLoader }
// The global object of jsdom has neither.
const { TextDecoder, TextEncoder } = process?.getBuiltinModule?.('node:util') ?? globalThis
const decoder = new TextDecoder()
const encoder = new TextEncoder()

export const { URL } = process?.getBuiltinModule?.('node:url') ?? globalThis
export const Event: typeof globalThis.Event = PlatformEvent

export function newRequest(url: string, init: RequestInit): Request {
  return new globalThis.Request(url, init)
}

export function newResponse(): Response {
  return new globalThis.Response(null)
}

export function newMessageEvent(data: string | ArrayBuffer): MessageEvent {
  return new globalThis.MessageEvent('message', { data })
}

/** A Buffer of Node with the UTF-8 of a text, or with a copy of bytes. */
export function bufferOf(content: string | Uint8Array): Uint8Array {
  const { Buffer } =
    process?.getBuiltinModule?.('node:buffer') ?? (globalThis as unknown as BuiltinModules['node:buffer'])
  return Buffer.from(content)
}

/** The text of a message, whose bytes are read as UTF-8. */
export function textOf(message: string | Uint8Array): string {
  return typeof message === 'string' ? message : decoder.decode(message)
}

/** The bytes of a message: of a text its UTF-8. */
export function bytesOf(message: string | Uint8Array): Uint8Array {
  return typeof message === 'string' ? encoder.encode(message) : message
}

export function newHeaders(init: HeadersInit | undefined): Headers {
  return new globalThis.Headers(init)
}

export function newBlob(bytes: Uint8Array): Blob {
  return new globalThis.Blob([bytes as Uint8Array<ArrayBuffer>])
}

export function randomId(): string {
  return globalThis.crypto.randomUUID()
}
