import { connect } from 'node:net'

const requestFor = (path: string): string =>
  `GET ${path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`

/** Outcomes by name: the status of an answer, or the code of the error before it. */
export type Outcomes = Record<string, number>

/** Opens connections one after another in several lanes, each with a handshake, until it is stopped. */
export class HandshakeLoad {
  readonly outcomes: Outcomes = {}
  readonly #port: number
  readonly #request: string
  readonly #lanes: readonly Promise<void>[]
  #isStopped = false

  constructor(port: number, lanes: number, path = '/') {
    this.#port = port
    this.#request = requestFor(path)
    this.#lanes = Array.from({ length: lanes }, () => this.#run())
  }

  get count(): number {
    return Object.values(this.outcomes).reduce((sum, each) => sum + each, 0)
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await Promise.all(this.#lanes)
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      const outcome = await shakeHands(this.#port, this.#request)
      this.outcomes[outcome] = (this.outcomes[outcome] ?? 0) + 1
    }
  }
}

/** Connects, sends a handshake, and leaves at the answer. */
function shakeHands(port: number, request: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    let received = ''
    socket.setEncoding('latin1')
    socket.once('connect', () => socket.write(request))
    socket.on('data', (text) => {
      received += text
      const status = /^HTTP\/1\.1 (\d+)/.exec(received)?.[1]
      if (status === undefined) return
      resolve(status)
      socket.destroy()
    })
    socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code ?? 'an error'))
    socket.once('close', () => resolve('closed without an answer'))
  })
}
