import { readFileSync, writeFileSync } from 'node:fs'

/** Figures of one broker. Times are of its processor, in microseconds. */
export interface BrokerFigures {
  readonly version: string
  /** For a message of 128 bytes that is stored, without the copies for nodes. */
  readonly publishUs: number
  /** For each node that has the topic open, and gets the message. */
  readonly copyUs: number
  /** For a comparison of the newest position. */
  readonly headUs: number
  /** For a topic that a node opens: its subscriptions, its newest position and its history of some ninety messages. */
  readonly openUs: number
  /** For a message without a position, such as a member that joins, without the copies. */
  readonly volatileUs: number
  /** Bytes of memory or of the disk for each stored message. */
  readonly storedBytes: number
}

/** The figures that `npm run measure:scale` has measured. */
export interface Figures {
  readonly measuredOn: string
  readonly machine: string
  readonly node: {
    readonly version: string
    /** Resident bytes of the process for a link with its subscriptions. */
    readonly clientBytes: number
    /** Microseconds of the processor for a link that comes back: its handshake, and the resume of its topics. */
    readonly returnUs: number
    /** Microseconds for a stored message that is sent to one link. */
    readonly deliveryUs: number
    /** Microseconds for a message that the hub publishes to the broker, and gets back from there. */
    readonly publishUs: Readonly<Record<string, number>>
    /** Topics of each link while this was measured. */
    readonly topics: number
  }
  readonly brokers: Readonly<Record<string, BrokerFigures>>
}

const file = new URL('../../scale/figures.json', import.meta.url)

export function readFigures(): Figures {
  return JSON.parse(readFileSync(file, 'utf8'))
}

export function writeFigures(figures: Figures): void {
  writeFileSync(file, `${JSON.stringify(figures, undefined, 2)}\n`)
}
