import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RedisLink } from '../redis-link.js'
import { unique } from '../unique.js'
import { within } from './deadline.js'

export interface Script {
  readonly text: string
  readonly sha: string
}

export function scriptOf(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') }
}

/** The wait before a question that Redis has refused for now is asked again. */
export const retryMs = 50

/** Errors after which a command is sent again. The last one is of ioredis, which stops a command after a number of attempts to connect. */
const passing = /\b(NOSCRIPT|READONLY|LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|NOREPLICAS|MaxRetriesPerRequestError)\b/

/** Runs scripts on a link. During a fail-over or a start, Redis refuses them for a while. */
export class ScriptRunner {
  readonly #link: RedisLink
  readonly #timeoutMs: number

  constructor(link: RedisLink, timeoutMs: number) {
    this.#link = link
    this.#timeoutMs = timeoutMs
  }

  /**
   * Runs a script on keys of one topic. Its first argument is the epoch of a new topic.
   * @param until rejects then, as a time of `performance.now()`
   */
  async run(
    script: Script,
    keys: readonly string[],
    args: readonly (string | number)[],
    until = performance.now() + this.#timeoutMs,
  ): Promise<unknown> {
    const rest = [keys.length, ...keys, unique(), ...args]
    let isKnown = true
    for (;;) {
      // The client would keep the command after this has given up.
      if (this.#link.isAway) await within(this.#link.there(), until, this.#timeoutMs)
      try {
        const [name, text] = isKnown ? ['EVALSHA', script.sha] : ['EVAL', script.text]
        return await within(this.#link.command(keys[0]!, name!, text!, ...rest), until, this.#timeoutMs)
      } catch (error) {
        const refusal = passing.exec(String(error))
        if (refusal === null) throw error
        if (refusal[1] === 'NOSCRIPT') isKnown = false
        else if (performance.now() + retryMs > until) throw error
        else await sleep(retryMs)
      }
    }
  }
}
