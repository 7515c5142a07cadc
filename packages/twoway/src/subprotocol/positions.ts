import type { TopicPosition } from '../ports/broker/topic-position.js'
import type { WirePosition } from './messages.js'

/** A position as messages carry it. */
export function wirePosition({ epoch, offset, mark }: TopicPosition): WirePosition {
  return [epoch, offset, mark]
}

export function positionOf([epoch, offset, mark]: WirePosition): TopicPosition {
  return { epoch, offset, mark }
}
