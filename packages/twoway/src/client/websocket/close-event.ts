import type { CloseEventInit } from '../browser/platform-types.js'
import * as platform from '../platform.js'
import { shapeAsInterface } from './interface-shape.js'

/** In types without the DOM's. */
export type CloseEventConstructor = new (type: string, init?: CloseEventInit) => Event & Required<CloseEventInit>

/** The interface CloseEvent of the standard, §6. */
export function defineCloseEvent(): CloseEventConstructor {
  class CloseEvent extends platform.Event {
    readonly #code: number
    readonly #reason: string
    readonly #wasClean: boolean

    constructor(type: string, init: CloseEventInit = {}) {
      // biome-ignore lint/complexity/noArguments: WebIDL tells an argument that is missing from one that is undefined
      if (arguments.length === 0) throw new TypeError('a CloseEvent takes a type: give one')
      super(type, init)
      const { code = 0, reason = '', wasClean = false } = init ?? {}
      // WebIDL's unsigned short is modulo 2^16.
      this.#code = +code & 0xffff
      // WebIDL's USVString has U+FFFD for a lone surrogate.
      this.#reason = `${reason}`.replace(/\p{Surrogate}/gu, '\ufffd')
      this.#wasClean = Boolean(wasClean)
    }

    get wasClean(): boolean {
      return this.#wasClean
    }

    get code(): number {
      return this.#code
    }

    get reason(): string {
      return this.#reason
    }
  }
  shapeAsInterface(CloseEvent)
  return CloseEvent
}

/** The platform's CloseEvent, or ours if it has none: Node before 23. */
export const CloseEvent: CloseEventConstructor = platform.CloseEvent ?? defineCloseEvent()
