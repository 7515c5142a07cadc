/** The report of a client with the standard's WebSocket. The function also runs in a browser's page, by its source. */
export interface PageEcho {
  readonly extensions: string
  readonly received: number
  /** The first message that came back changed, or undefined. */
  readonly wrong: number | undefined
}

/**
 * Sends messages to an echo over the standard's WebSocket, short and long, text and binary, compressible and not, and
 * compares the echoes. It uses no name of its module, except those in its arguments.
 */
export function echoMessages(WebSocketClass: new (url: string) => StandardSocket, url: string): Promise<PageEcho> {
  let text = ''
  for (let index = 0; index < 20_000; index += 1) text += `{"index":${index},"name":"user ${index * 7919}"},`
  const noise = new Uint8Array(200_000)
  for (let index = 0, state = 1; index < noise.length; index += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    noise[index] = state >>> 24
  }
  const messages: (string | Uint8Array)[] = ['Hello', 'Hello', 'Hello', '', 'a'.repeat(3000), '世界 👋🏽'.repeat(300)]
  messages.push(text, text, noise.subarray(0, 1000), noise, new Uint8Array(100_000), new Uint8Array(0), 'Hello')
  return new Promise((resolve, reject) => {
    const socket = new WebSocketClass(url)
    let received = 0
    let wrong: number | undefined
    const end = (): void => {
      socket.close()
      resolve({ extensions: socket.extensions, received, wrong })
    }
    socket.binaryType = 'arraybuffer'
    socket.onopen = () => {
      for (const message of messages) socket.send(message)
    }
    socket.onclose = ({ code, reason }: { code: number; reason: string }) =>
      reject(new Error(`closed with ${code} ${reason} after ${received}`))
    socket.onmessage = ({ data }: { data: unknown }) => {
      const sent = messages[received]!
      const isSame =
        typeof sent === 'string'
          ? data === sent
          : data instanceof ArrayBuffer &&
            data.byteLength === sent.length &&
            new Uint8Array(data).every((byte, index) => byte === sent[index])
      if (!isSame) wrong ??= received
      received += 1
      if (received === messages.length) end()
    }
  })
}

/** The number of messages that it sends. */
export const echoCount = 13

/** The part of the standard's WebSocket that is used here. */
export interface StandardSocket {
  binaryType: string
  readonly extensions: string
  onopen: unknown
  onmessage: unknown
  onclose: unknown
  send(message: string | Uint8Array): void
  close(): void
}
