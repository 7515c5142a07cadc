/** Hooks for React 18 and later. Copy this file and topic-store.ts. */
import { useCallback, useEffect, useState, useSyncExternalStore } from 'react'
import { Link, type LinkOptions, type LinkStatus } from 'twoway/link'
import { emptyTopic, type TopicState, topicStore } from '../topic-store.js'

/** A link for as long as the component is mounted; undefined before. `options` must be the same object in each render. */
export function useLink(url: string, options?: LinkOptions): Link | undefined {
  const [link, setLink] = useState<Link>()
  useEffect(() => {
    const made = new Link(url, options)
    setLink(made)
    return () => made.close()
  }, [url, options])
  return link
}

/** Where the link stands: the component renders again when that changes. */
export function useLinkStatus(link: Link | undefined): LinkStatus | undefined {
  const listen = useCallback((changed: () => void) => link?.onStatus(changed) ?? (() => undefined), [link])
  return useSyncExternalStore(
    listen,
    () => link?.status,
    () => undefined,
  )
}

/** The messages and the members of a topic, over reconnections. */
export function useTopic(link: Link | undefined, topic: string): TopicState {
  const store = link && topicStore(link, topic)
  const listen = useCallback((changed: () => void) => store?.listen(changed) ?? (() => undefined), [store])
  return useSyncExternalStore(
    listen,
    () => store?.state ?? emptyTopic,
    () => emptyTopic,
  )
}
