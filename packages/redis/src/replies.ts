import type { BrokerContent, TopicMessage, TopicPosition } from 'twoway/hub'

/** The head of a topic, as the scripts answer it. */
export type HeadReply = readonly [epoch: string, offset: number | string, mark: string]
/** An entry of a stream: its id, and its fields by name and value. */
export type EntryReply = readonly [id: string, fields: readonly string[]]

export function encode(content: BrokerContent): string {
  return typeof content === 'string' ? `t${content}` : `b${Buffer.from(content).toString('base64')}`
}

export function decode(encoded: string): BrokerContent {
  const content = encoded.slice(1)
  return encoded.startsWith('t') ? content : Buffer.from(content, 'base64')
}

export function positionOf([epoch, offset, mark]: HeadReply): TopicPosition {
  return { epoch, offset: Number(offset), mark }
}

export function messageOf(epoch: string, [id, fields]: EntryReply): TopicMessage<BrokerContent> {
  const [, mark, , previousMark, , content] = fields as [string, string, string, string, string, string]
  return { position: { epoch, offset: Number.parseInt(id, 10), mark }, previousMark, content: decode(content) }
}
