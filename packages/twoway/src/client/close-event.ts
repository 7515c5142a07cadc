interface CloseEventInit extends EventInit {
  readonly code?: number
  readonly reason?: string
  readonly wasClean?: boolean
}

/** The platform's CloseEvent, or, where it has none (Node before 23), one of the same shape. */
export const CloseEvent: new (type: string, init?: CloseEventInit) => globalThis.CloseEvent =
  globalThis.CloseEvent ??
  class CloseEvent extends Event {
    readonly code: number
    readonly reason: string
    readonly wasClean: boolean

    constructor(type: string, { code = 0, reason = '', wasClean = false, ...init }: CloseEventInit = {}) {
      super(type, init)
      this.code = code
      this.reason = reason
      this.wasClean = wasClean
    }
  }
