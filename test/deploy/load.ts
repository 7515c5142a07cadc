import { WebSocket } from 'twoway'

export interface LoadResult {
  /** Attempts to connect, by outcome: 'open', or the error. */
  readonly attempts: Readonly<Record<string, number>>
  /** The longest time, in milliseconds, in which no attempt of any client succeeded although there were attempts. */
  readonly longestGapMs: number
  /** The longest time, in milliseconds, that a client took from the loss of its connection to the next. */
  readonly longestAwayMs: number
  readonly acknowledged: readonly string[]
  /** Close codes, by number of times. */
  readonly closes: Readonly<Record<string, number>>
}

/** Milliseconds before an attempt that failed is repeated. */
const againAfterMs = 20

/** Clients that send numbered messages one after another, and reconnect at once when they are closed. */
export class Load {
  readonly #url: string
  readonly #attempts: Record<string, number> = {}
  readonly #closes: Record<string, number> = {}
  readonly #acknowledged: string[] = []
  #failingSince: number | undefined
  #longestGapMs = 0
  #longestAwayMs = 0
  #isStopped = false
  readonly #clients: readonly Promise<void>[]

  constructor(url: string, clients: number) {
    this.#url = url
    this.#clients = [
      ...Array.from({ length: clients }, (_, name) => this.#client(name)),
      // Newcomers, who show at each moment whether one can connect.
      ...Array.from({ length: 4 }, () => this.#newcomer()),
    ]
  }

  get acknowledged(): number {
    return this.#acknowledged.length
  }

  async stop(): Promise<LoadResult> {
    this.#isStopped = true
    await Promise.all(this.#clients)
    return {
      attempts: this.#attempts,
      longestGapMs: this.#longestGapMs,
      longestAwayMs: this.#longestAwayMs,
      acknowledged: this.#acknowledged,
      closes: this.#closes,
    }
  }

  async #client(name: number): Promise<void> {
    let count = 0
    let lostAt: number | undefined
    while (!this.#isStopped) {
      const socket = await this.#connect()
      if (socket === undefined) continue
      if (lostAt !== undefined) this.#longestAwayMs = Math.max(this.#longestAwayMs, performance.now() - lostAt)
      await new Promise<void>((resolve) => {
        const next = (): void => {
          if (this.#isStopped) socket.close(1000)
          else socket.send(`${name}.${++count}`)
        }
        socket.onmessage = ({ data }) => {
          this.#acknowledged.push(data as string)
          setTimeout(next, 5)
        }
        socket.onclose = ({ code }) => {
          this.#closes[code] = (this.#closes[code] ?? 0) + 1
          resolve()
        }
        next()
      })
      lostAt = performance.now()
    }
  }

  async #newcomer(): Promise<void> {
    while (!this.#isStopped) {
      const socket = await this.#connect()
      if (socket === undefined) continue
      await new Promise<void>((resolve) => {
        socket.onclose = () => resolve()
        socket.close(1000)
      })
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  async #connect(): Promise<WebSocket | undefined> {
    const began = performance.now()
    const socket = new WebSocket(this.#url)
    const outcome = await new Promise<string>((resolve) => {
      socket.onopen = () => resolve('open')
      socket.onerror = ({ error }) => resolve(nameOf(error as Error))
    })
    this.#attempts[outcome] = (this.#attempts[outcome] ?? 0) + 1
    if (outcome === 'open') {
      this.#longestGapMs = Math.max(this.#longestGapMs, performance.now() - (this.#failingSince ?? began))
      this.#failingSince = undefined
      return socket
    }
    this.#failingSince = Math.min(this.#failingSince ?? began, began)
    await new Promise((resolve) => setTimeout(resolve, againAfterMs))
    return undefined
  }
}

function nameOf(error: Error & { readonly status?: number }): string {
  const { code } = (error.cause ?? {}) as { readonly code?: string }
  return error.status === undefined ? (code ?? error.message) : String(error.status)
}
