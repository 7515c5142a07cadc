import { UsageError } from '../core/usage-error.js'
import type { BrokerContent } from '../ports/broker/broker.js'
import type { TopicPosition } from '../ports/broker/topic-position.js'
import { faultOfTopic } from '../topics/topic-name.js'
import { unavailable } from './hub-error.js'
import type { PublishSettings } from './hub-types.js'
import type { HubTopic } from './topics/hub-topic.js'

/** The part of a hub that publishes to a topic that is open. */
interface Publishes {
  publish(
    topic: HubTopic,
    content: BrokerContent,
    origin: Pick<PublishSettings, 'key'>,
  ): Promise<TopicPosition | undefined>
  send(topic: HubTopic, content: BrokerContent): void
}

/** Throws a UsageError for a name that is no topic. */
export function checkTopic(name: string): void {
  const fault = faultOfTopic(name)
  if (fault !== undefined) throw new UsageError('topicInvalid', fault)
}

/** Publishes for the server itself when the topic is open. */
export async function publishWhenOpen(
  hub: Publishes,
  topic: HubTopic,
  content: BrokerContent,
  settings: PublishSettings,
): Promise<TopicPosition | undefined> {
  topic.uses += 1
  topic.waiting += 1
  try {
    await topic.opened
  } catch (error) {
    throw unavailable(error)
  } finally {
    topic.waiting -= 1
    topic.uses -= 1
  }
  return publishTo(hub, topic, content, settings)
}

/**
 * Publishes for the server itself to an open topic, within the call. The promises of an async function would be much of the cost of
 * a message.
 */
export function publishTo(
  hub: Publishes,
  topic: HubTopic,
  content: BrokerContent,
  { key, volatile }: PublishSettings,
): Promise<TopicPosition | undefined> {
  topic.uses += 1
  const failed = (error: unknown): never => {
    topic.uses -= 1
    throw unavailable(error)
  }
  try {
    if (volatile) hub.send(topic, content)
    const stored = volatile ? Promise.resolve(undefined) : hub.publish(topic, content, { key })
    return stored.then((position) => {
      topic.uses -= 1
      return position
    }, failed)
  } catch (error) {
    return failed(error)
  }
}
