import type { PreparedMessage } from '../../core/prepared-message.js'
import type { BrokerContent } from '../../ports/broker/broker.js'
import type { TopicMessage, TopicPosition } from '../../ports/broker/topic-position.js'
import type { GapMessage } from '../../subprotocol/messages.js'
import { wirePosition } from '../../subprotocol/positions.js'
import type { Positioned } from '../../topics/node-ring.js'
import { elementsOf, splitContent } from './content.js'

/** Returns the content of a message of the broker, or undefined if it is none. */
export type ReadContent = (topic: string, content: BrokerContent) => BrokerContent | undefined

/** The reason of a gap in the place of a message that is none of a hub. */
export const malformed = 'malformed'

/** Frames a message for all sockets of a server. */
export type Prepare = (message: string | Uint8Array) => PreparedMessage

/** A message framed for many: its header, and the binary message behind it. */
export type Frames = readonly [PreparedMessage] | readonly [PreparedMessage, PreparedMessage]

/** A stored message of a topic, framed once for all clients when the first one needs it. */
export class HubMessage implements Positioned {
  readonly topic: string
  readonly position: TopicPosition
  readonly previousMark: string
  readonly bytes: number
  /**
   * Undefined if another program has stored a message that is none of a hub. It keeps its position, so that the next one has a
   * predecessor, and the clients are told of a gap in its place.
   */
  readonly content: BrokerContent | undefined
  #frames: Frames | undefined

  constructor(topic: string, { position, previousMark, content }: TopicMessage<BrokerContent>, read: ReadContent) {
    this.topic = topic
    this.position = position
    this.previousMark = previousMark
    this.content = read(topic, content)
    this.bytes = content.length
  }

  /** The position of the message before it. */
  get before(): TopicPosition {
    const { epoch, offset } = this.position
    return { epoch, offset: offset - 1, mark: this.previousMark }
  }

  /** Whether a message is the one before this one. */
  follows({ position: { epoch, offset, mark } }: HubMessage): boolean {
    return this.position.epoch === epoch && this.position.offset === offset + 1 && this.previousMark === mark
  }

  /** Itself as one of the messages of a `run`. Undefined if it can be sent only on its own. */
  inRun(): string | undefined {
    const elements = this.content === undefined ? undefined : elementsOf(this.content)
    return elements && `[${JSON.stringify(this.position.mark)},${elements}]`
  }

  frames(prepare: Prepare): Frames {
    this.#frames ??= this.#frame(prepare)
    return this.#frames
  }

  #frame(prepare: Prepare): Frames {
    const { topic, position, content } = this
    if (content !== undefined) return frame(`"t":"msg",${placeOf(this)}`, content, prepare)
    const gap: GapMessage = { t: 'gap', topic, reason: malformed, at: wirePosition(position) }
    return [prepare(JSON.stringify(gap))]
  }
}

/** The `run` of a message and those that follow it, each of which `inRun` has written. */
export function runOf({ topic, before }: HubMessage, messages: readonly string[]): string {
  const head = JSON.stringify({ t: 'run', topic, at: wirePosition(before) }).slice(0, -1)
  return `${head},"items":[${messages.join(',')}]}`
}

/** The frames of a message without a position. */
export function volatileFrames(topic: string, content: BrokerContent, prepare: Prepare): Frames {
  return frame(`"t":"vol","topic":${JSON.stringify(topic)}`, content, prepare)
}

/** A message of a history, as one part of the answer. */
export function partOf(
  id: number,
  message: HubMessage,
  content: BrokerContent,
): { readonly header: string; readonly body?: Uint8Array } {
  const { members, body } = splitContent(content)
  const header = `{"t":"part","id":${id},${placeOf(message)},${members}}`
  return body === undefined ? { header } : { header, body }
}

function placeOf({ topic, position, previousMark }: HubMessage): string {
  const at = JSON.stringify(wirePosition(position))
  return `"topic":${JSON.stringify(topic)},"at":${at},"prev":${JSON.stringify(previousMark)}`
}

function frame(head: string, content: BrokerContent, prepare: Prepare): Frames {
  const { members, body } = splitContent(content)
  const header = prepare(`{${head},${members}}`)
  return body === undefined ? [header] : [header, prepare(body)]
}
