import type { CloseResult } from '../../core/connection-types.js'
import { TransportError } from '../../core/errors.js'
import { isError } from '../../core/value-kinds.js'
import type { PlatformAbortSignal } from '../../ports/platform-types.js'
import type { Random } from '../../ports/random.js'
import { randomName } from '../../topics/random-name.js'
import * as platform from '../platform.js'

/** Bytes of an id: as random as a UUID, and a little more. */
const idBytes = 16

/** The id of a connection and the signals of its end, which few programs ask for. Made at the first request. */
export class Lifetime {
  /** 32 hexadecimal digits from a cryptographic source. */
  readonly id: string
  readonly closed: Promise<CloseResult>
  #resolve!: (result: CloseResult) => void
  #abort: AbortController | undefined
  #result: CloseResult | undefined

  /** @param result the result of a connection that is closed already */
  constructor(random: Random, result: CloseResult | undefined) {
    this.id = randomName(random, idBytes)
    this.closed = new Promise((resolve) => {
      this.#resolve = resolve
    })
    if (result !== undefined) this.end(result)
  }

  get signal(): PlatformAbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new platform.AbortController()
      if (this.#result !== undefined) this.#abort.abort(reasonOf(this.#result))
    }
    return this.#abort.signal
  }

  end(result: CloseResult): void {
    this.#result = result
    this.#resolve(result)
    this.#abort?.abort(reasonOf(result))
  }

  /** Whether an error is only the consequence of the aborted `signal`. */
  explains(error: unknown): boolean {
    const signal = this.#abort?.signal
    if (signal?.aborted !== true) return false
    return error === signal.reason || (isError(error) && error.name === 'AbortError')
  }
}

function reasonOf({ code }: CloseResult): TransportError {
  return new TransportError(`the connection is closed (${code})`)
}
