import type { CloseResult } from '../core/connection-types.js'
import * as platform from './platform.js'

/** The platform's CloseEvent, which Node has only from 23 on. */
export class CloseEvent extends platform.Event {
  readonly code: number
  readonly reason: string
  readonly wasClean: boolean

  constructor({ code, reason, wasClean }: CloseResult) {
    super('close')
    this.code = code
    this.reason = reason
    this.wasClean = wasClean
  }
}

/** The platform's ErrorEvent, which Node does not have. */
export class ErrorEvent extends platform.Event {
  readonly error: Error
  readonly message: string

  constructor(error: Error) {
    super('error')
    this.error = error
    this.message = error.message
  }
}
