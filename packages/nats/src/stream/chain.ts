import type { BrokerContent, TopicMessage, TopicPosition } from 'twoway/hub'
import type { Entry } from './envelope.js'

type Message = TopicMessage<BrokerContent>

/**
 * The messages of all entries of a topic in a row, without void ones and those of other programs. The first entry is taken as
 * valid.
 * @param isReplicated whether several servers have the stream, so that an entry may be void
 */
export function messagesOf(entries: readonly Entry[], isReplicated: boolean): Message[] {
  const [first, ...rest] = entries
  const valid = first === undefined || !isReplicated ? entries : [first, ...validAfter(first, rest)]
  return valid.flatMap(({ messages }) => messages)
}

/**
 * The valid entries of those that follow one directly. Servers of a cluster before 2.11 may store two entries that expect the same
 * predecessor; the first one of them is valid, and the other one void.
 */
export function validAfter(first: Entry, rest: readonly Entry[]): Entry[] {
  return rest.filter(({ expected }, index) => expected === (rest[index - 1] ?? first).sequence)
}

/**
 * The messages behind a position; undefined if none of them follows it. Void entries may come first, which have lost against the
 * entry of the position or one before it.
 */
export function messagesAfter({ offset, mark }: TopicPosition, messages: readonly Message[]): Message[] | undefined {
  const start = messages.findIndex(
    ({ position, previousMark }) => position.offset === offset + 1 && previousMark === mark,
  )
  return start < 0 ? undefined : messages.slice(start)
}

/** Messages without those of a void entry before all others: its predecessor is gone, but the next one does not follow it. */
export function withoutVoidStart(messages: readonly Message[]): readonly Message[] {
  const next = messages.findIndex(
    ({ previousMark }, index) => index > 0 && previousMark !== messages[index - 1]!.position.mark,
  )
  return next < 0 ? messages : messages.slice(next)
}

/** Whether messages follow each other up to the head, without a hole. */
export function isWhole(messages: readonly Message[], head: TopicPosition): boolean {
  const isChain = messages.every(
    ({ position, previousMark }, index) =>
      index === 0 ||
      (previousMark === messages[index - 1]!.position.mark &&
        position.offset === messages[index - 1]!.position.offset + 1),
  )
  return isChain && messages.at(-1)?.position.mark === head.mark
}
