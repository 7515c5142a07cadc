import type { TopicPosition } from 'twoway/hub'

/** A position as the scripts write it: epoch, offset and mark. */
export function positionOf(text: string): TopicPosition {
  const [epoch, offset, mark] = text.split(' ')
  return { epoch: epoch!, offset: Number(offset), mark: mark! }
}
