import type { Payload } from './payload.js'

interface Base {
  readonly id: number
  /** Milliseconds since 1970. */
  readonly at: number
}

export interface OpenEntry extends Base {
  readonly kind: 'open'
  readonly url: string
  readonly protocol: string
  readonly extensions: string
  readonly tookMs: number
}

export interface MessageEntry extends Base {
  readonly kind: 'message'
  readonly direction: 'sent' | 'received'
  readonly payload: Payload
}

export interface CloseEntry extends Base {
  readonly kind: 'close'
  readonly code: number
  readonly reason: string
  readonly wasClean: boolean
}

export interface ErrorEntry extends Base {
  readonly kind: 'error'
  readonly url: string
  /** Whether the connection had been open. */
  readonly wasOpen: boolean
}

/** A result of the page itself: measured round trips, which are not listed one by one. */
export interface RoundTripsEntry extends Base {
  readonly kind: 'roundTrips'
  readonly count: number
  readonly p50: number
  readonly p99: number
}

export type TimelineEntry = OpenEntry | MessageEntry | CloseEntry | ErrorEntry | RoundTripsEntry

/** An entry without the fields that the timeline adds. */
export type NewEntry = TimelineEntry extends infer Entry
  ? Entry extends Base
    ? Omit<Entry, 'id' | 'at'>
    : never
  : never
