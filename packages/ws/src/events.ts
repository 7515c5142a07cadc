import type { EventEmitter } from 'node:events'

/** The events of `addEventListener`, with the fields that ws gives them. */
export class Event {
  readonly type: string
  readonly target: unknown

  constructor(type: string, target: unknown) {
    this.type = type
    this.target = target
  }
}

class MessageEvent extends Event {
  readonly data: unknown

  constructor(target: unknown, data: unknown) {
    super('message', target)
    this.data = data
  }
}

class CloseEvent extends Event {
  readonly code: number
  readonly reason: string
  readonly wasClean: boolean

  constructor(target: unknown, code: number, reason: string, wasClean: boolean) {
    super('close', target)
    this.code = code
    this.reason = reason
    this.wasClean = wasClean
  }
}

class ErrorEvent extends Event {
  readonly error: unknown
  readonly message: string

  constructor(target: unknown, error: Error) {
    super('error', target)
    this.error = error
    this.message = error.message
  }
}

/** A WebSocket, as its events see it. */
export interface EventSource extends EventEmitter {
  _closeFrameReceived: boolean
  _closeFrameSent: boolean
}

export type Handler = ((event: Event) => void) | { handleEvent(event: Event): void }

/** The listener of an EventEmitter that stands for a handler. */
interface Listener {
  (this: unknown, ...values: never[]): void
  /** Set by `onmessage` and its like, of which there is one at a time. */
  isAttribute?: boolean
  handler?: Handler
}

const events: { readonly [type: string]: (source: EventSource, ...values: never[]) => Event } = {
  open: (source) => new Event('open', source),
  message: (source, data: Buffer, isBinary: boolean) => new MessageEvent(source, isBinary ? data : data.toString()),
  close: (source, code: number, reason: Buffer) =>
    new CloseEvent(source, code, reason.toString(), source._closeFrameReceived && source._closeFrameSent),
  error: (source, error: Error) => new ErrorEvent(source, error),
}

/** Adds a handler once, as an EventTarget does. Types of events that WHATWG's WebSocket has not are ignored. */
export function addHandler(source: EventSource, type: string, handler: Handler, once: boolean): void {
  if (!listenersOf(source, type).some((listener) => !listener.isAttribute && listener.handler === handler)) {
    listen(source, type, handler, once, false)
  }
}

export function removeHandler(source: EventSource, type: string, handler: Handler): void {
  const found = listenersOf(source, type).find((listener) => !listener.isAttribute && listener.handler === handler)
  if (found !== undefined) source.removeListener(type, found as () => void)
}

/** The value of `onmessage` and its like. */
export function attributeOf(source: EventSource, type: string): Handler | null {
  return listenersOf(source, type).find((listener) => listener.isAttribute)?.handler ?? null
}

export function setAttribute(source: EventSource, type: string, handler: unknown): void {
  const old = listenersOf(source, type).find((listener) => listener.isAttribute)
  if (old !== undefined) source.removeListener(type, old as () => void)
  if (typeof handler === 'function') listen(source, type, handler as Handler, false, true)
}

function listen(source: EventSource, type: string, handler: Handler, once: boolean, isAttribute: boolean): void {
  if (!Object.hasOwn(events, type)) return
  const make = events[type]!
  const listener: Listener = (...values) => {
    const event = make(source, ...values)
    if (typeof handler === 'object' && handler.handleEvent) handler.handleEvent(event)
    else (handler as (event: Event) => void).call(source, event)
  }
  listener.isAttribute = isAttribute
  listener.handler = handler
  if (once) source.once(type, listener as () => void)
  else source.on(type, listener as () => void)
}

function listenersOf(source: EventSource, type: string): Listener[] {
  return source.listeners(type) as Listener[]
}
