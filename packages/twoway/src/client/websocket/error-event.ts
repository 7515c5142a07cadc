import type { ErrorEventInit } from '../browser/platform-types.js'
import * as platform from '../platform.js'
import { shapeAsInterface } from './interface-shape.js'

/** In types without the DOM's. */
export type ErrorEventConstructor = new (type: string, init?: ErrorEventInit) => Event & Required<ErrorEventInit>

/** The interface ErrorEvent of HTML, §8.1.4.6. */
export function defineErrorEvent(): ErrorEventConstructor {
  class ErrorEvent extends platform.Event {
    readonly #members: Required<Omit<ErrorEventInit, keyof EventInit>>

    constructor(type: string, init: ErrorEventInit = {}) {
      // biome-ignore lint/complexity/noArguments: WebIDL tells an argument that is missing from one that is undefined
      if (arguments.length === 0) throw new TypeError('an ErrorEvent takes a type: give one')
      super(type, init)
      const { message = '', filename = '', lineno = 0, colno = 0, error } = init ?? {}
      this.#members = {
        message: `${message}`.replace(/\p{Surrogate}/gu, '\ufffd'),
        filename: `${filename}`.replace(/\p{Surrogate}/gu, '\ufffd'),
        // WebIDL's unsigned long is modulo 2^32.
        lineno: +lineno >>> 0,
        colno: +colno >>> 0,
        error,
      }
    }

    get message(): string {
      return this.#members.message
    }

    get filename(): string {
      return this.#members.filename
    }

    get lineno(): number {
      return this.#members.lineno
    }

    get colno(): number {
      return this.#members.colno
    }

    get error(): unknown {
      return this.#members.error
    }
  }
  shapeAsInterface(ErrorEvent)
  return ErrorEvent
}

/** The platform's ErrorEvent, or ours if it has none, as on Node. */
export const ErrorEvent: ErrorEventConstructor = platform.ErrorEvent ?? defineErrorEvent()
