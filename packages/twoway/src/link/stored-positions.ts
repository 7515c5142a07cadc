import type { WirePosition } from '../subprotocol/messages.js'
import type { PositionStorage } from './link-types.js'
import { isPosition } from './server-message.js'
import type { TopicFeed } from './topic-feed.js'

/*
 * The positions of topics in the storage of a page, under the URL of the hub. Other code may have written there.
 */

const keyOf = (url: string): string => `twoway ${url}`

function load(storage: PositionStorage | undefined, url: string): Record<string, unknown> {
  try {
    return { ...JSON.parse(storage?.getItem(keyOf(url)) as string) }
  } catch {
    return {}
  }
}

export function storedPosition(storage: PositionStorage | undefined, url: string, topic: string) {
  const position = load(storage, url)[topic]
  return isPosition(position) ? (position as WirePosition) : undefined
}

export function storePositions(storage: PositionStorage | undefined, url: string, feeds: Iterable<TopicFeed>): void {
  const positions = load(storage, url)
  for (const { topic, isPattern, positions: known } of feeds) if (!isPattern) positions[topic] = known.get(topic)
  try {
    storage?.setItem(keyOf(url), JSON.stringify(positions))
  } catch {
    // A full storage costs the resume over a reload, and nothing else.
  }
}
