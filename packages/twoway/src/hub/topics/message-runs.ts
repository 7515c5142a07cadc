import type { PreparedMessage, PreparedRun } from '../../core/prepared-message.js'
import { type HubMessage, type Prepare, runOf } from './hub-message.js'

/** Joins prepared messages. */
export type Join = (messages: readonly PreparedMessage[]) => PreparedRun

/** Messages of a topic in a row, which a connection takes as one piece. */
export interface MessageRun {
  readonly messages: readonly HubMessage[]
  readonly prepared: PreparedRun
}

interface Entry {
  readonly runs: readonly MessageRun[]
  readonly bytes: number
}

/** Bytes of content in a run, if it has several messages: a client that lags behind is sent as many more than its connection has room for, at most. */
const mostInRun = 32 << 10
/** Bytes of a message in a `run` beside its content, about. */
const packedHeadBytes = 50
/** Bytes of all runs that are kept, for all topics together. */
const mostKept = 4 << 20

/**
 * The runs for clients that come back together. Clients that ask for the same messages get the same bytes, joined
 * once. The runs that were asked for last are kept.
 */
export class MessageRuns {
  readonly #entries = new Map<string, Entry>()
  #bytes = 0

  /** @param isPacked whether messages with JSON data may be packed into `run` messages */
  of(messages: readonly HubMessage[], prepare: Prepare, join: Join, isPacked = false): readonly MessageRun[] {
    const first = messages[0]
    if (first === undefined) return []
    const { epoch, offset, mark } = messages.at(-1)!.position
    const key = JSON.stringify([first.topic, first.position.offset, epoch, offset, mark, isPacked])
    const known = this.#entries.get(key)
    if (known !== undefined) {
      this.#entries.delete(key)
      this.#entries.set(key, known)
      return known.runs
    }
    const bytesOf = (message: HubMessage): number =>
      isPacked ? message.bytes + packedHeadBytes : message.frames(prepare).reduce((sum, { length }) => sum + length, 0)
    let bytes = 0
    const runs = splitIntoRuns(messages, bytesOf).map((some) => {
      const prepared = isPacked ? pack(some, prepare) : some.flatMap((message) => message.frames(prepare))
      for (const { length } of prepared) bytes += length
      return { messages: some, prepared: join(prepared) }
    })
    this.#keep(key, { runs, bytes })
    return runs
  }

  /** Forgets all runs. */
  clear(): void {
    this.#entries.clear()
    this.#bytes = 0
  }

  #keep(key: string, entry: Entry): void {
    if (entry.bytes > mostKept) return
    this.#entries.set(key, entry)
    this.#bytes += entry.bytes
    for (const [oldest, { bytes }] of this.#entries) {
      if (this.#bytes <= mostKept) break
      this.#entries.delete(oldest)
      this.#bytes -= bytes
    }
  }
}

function splitIntoRuns(messages: readonly HubMessage[], bytesOf: (message: HubMessage) => number): HubMessage[][] {
  const runs: HubMessage[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const message of messages) {
    bytes += bytesOf(message)
    if (bytes > mostInRun) {
      runs.push([])
      bytes = bytesOf(message)
    }
    runs.at(-1)!.push(message)
  }
  return runs
}

/** Frames messages in a row. As many as possible become one `run`. */
function pack(messages: readonly HubMessage[], prepare: Prepare): PreparedMessage[] {
  const groups: { readonly first: HubMessage; last: HubMessage; readonly texts: (string | undefined)[] }[] = []
  for (const message of messages) {
    const group = groups.at(-1)
    const text = message.inRun()
    if (group?.texts[0] !== undefined && text !== undefined && message.follows(group.last)) {
      group.texts.push(text)
      group.last = message
    } else groups.push({ first: message, last: message, texts: [text] })
  }
  return groups.flatMap(({ first, texts }) =>
    texts.length === 1 ? first.frames(prepare) : [prepare(runOf(first, texts as string[]))],
  )
}
