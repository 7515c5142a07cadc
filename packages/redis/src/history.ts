import type { BrokerContent, Resumed, ResumeFailure, TopicHistory, TopicMessage, TopicPosition } from 'twoway/hub'
import { readStored } from './channel-messages.js'

/** An entry of a stream: its id, and its fields by name and value. The field m has messages as `readStored` reads them. */
export type EntryReply = readonly [id: string, fields: readonly string[]]

type Message = TopicMessage<BrokerContent>

/**
 * All messages after a position, if they are whole, or the reason why not.
 * @param entries those from the next message on; only the first one if more than `most` messages follow
 */
export function resumedFrom(
  { epoch, offset, mark }: TopicPosition,
  head: TopicPosition,
  entries: readonly EntryReply[],
  { most, historyCount }: { readonly most: number; readonly historyCount: number },
): Resumed<BrokerContent> {
  const refuse = (reason: ResumeFailure): Resumed<BrokerContent> => ({ recovered: false, head, reason })
  if (epoch !== head.epoch) return refuse('unknown-epoch')
  if (!Number.isSafeInteger(offset) || offset < 0 || offset > head.offset) return refuse('rewound')
  const missed = head.offset - offset
  if (missed === 0) return mark === head.mark ? { recovered: true, head, messages: [] } : refuse('rewound')
  if (missed > historyCount) return refuse('expired')
  const messages = missed > most ? readAll(entries) : endingAt(head, entries)
  const isNext = ({ position }: Message): boolean => position.epoch === epoch && position.offset === offset + 1
  const next = messages.findIndex(isNext)
  if (next < 0) return refuse('expired')
  // A message in the middle of an entry names its predecessor too.
  if (messages[next]!.previousMark !== mark) return refuse('rewound')
  if (missed > most) return refuse('limit')
  return { recovered: true, head, messages: messages.slice(next) }
}

/** The newest messages, at most `most`, of the entries that have them. */
export function lastOf(head: TopicPosition, entries: readonly EntryReply[], most: number): TopicHistory<BrokerContent> {
  const messages = endingAt(head, entries)
  return { head, messages: messages.slice(Math.max(0, messages.length - most)) }
}

/** The messages in a row that end at the head. Other programs may have put entries between them. */
function endingAt(head: TopicPosition, entries: readonly EntryReply[]): Message[] {
  const messages: Message[] = []
  let { offset, mark } = head
  for (const message of readAll(entries).reverse()) {
    const { position, previousMark } = message
    if (position.offset !== offset || position.mark !== mark || position.epoch !== head.epoch) continue
    messages.push(message)
    offset -= 1
    mark = previousMark
  }
  return messages.reverse()
}

function readAll(entries: readonly EntryReply[]): Message[] {
  return entries.flatMap(([, [name, text]]) => (name === 'm' && text !== undefined && readStored(text)) || [])
}
