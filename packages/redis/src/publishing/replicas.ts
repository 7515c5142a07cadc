import type { RedisLink } from '../redis-link.js'

/** Milliseconds that Redis waits for its replicas at a time. The connection takes no other command meanwhile. */
const waitMs = 200

interface Waiting {
  /** The connection on which the message was stored. */
  readonly connection: number | undefined
  resolve(isConfirmed: boolean): void
}

/** Asks Redis whether replicas have the stored messages: one question for all that were stored before it. */
export class Replicas {
  readonly #link: RedisLink
  readonly #count: number
  #waiting: Waiting[] = []
  #isAsking = false

  /** @param count the replicas that must have a message */
  constructor(link: RedisLink, count: number) {
    this.#link = link
    this.#count = count
  }

  /** Resolves to whether the replicas have all that this connection has stored so far. */
  confirm(): Promise<boolean> {
    return new Promise((resolve) => {
      this.#waiting.push({ connection: this.#link.connections, resolve })
      if (!this.#isAsking) void this.#askAll()
    })
  }

  async #askAll(): Promise<void> {
    this.#isAsking = true
    while (this.#waiting.length > 0) {
      const asked = this.#waiting
      this.#waiting = []
      const have = await this.#link.command('', 'WAIT', this.#count, waitMs).catch(() => 0)
      // Another connection may lead to another server, which knows nothing of the message.
      const { connections } = this.#link
      for (const { connection, resolve } of asked) resolve(Number(have) >= this.#count && connection === connections)
    }
    this.#isAsking = false
  }
}
