/** Composables for Vue 3.3 and later. Copy this file and topic-store.ts. */

import { Link, type LinkOptions, type LinkStatus } from 'twoway/link'
import { type MaybeRefOrGetter, onScopeDispose, type ShallowRef, shallowRef, toValue, watchEffect } from 'vue'
import { emptyTopic, type TopicState, topicStore } from '../topic-store.js'

/** A link for as long as the component lives. */
export function useLink(url: string, options?: LinkOptions): Link {
  const link = new Link(url, options)
  onScopeDispose(() => link.close())
  return link
}

/** Where the link stands. */
export function useLinkStatus(link: Link): Readonly<ShallowRef<LinkStatus>> {
  const status = shallowRef(link.status)
  onScopeDispose(link.onStatus((changed) => (status.value = changed)))
  return status
}

/** The messages and the members of a topic, over reconnections. Another topic takes its place when the ref changes. */
export function useTopic(link: Link, topic: MaybeRefOrGetter<string>): Readonly<ShallowRef<TopicState>> {
  const state = shallowRef(emptyTopic)
  watchEffect((onCleanup) => {
    const store = topicStore(link, toValue(topic))
    onCleanup(store.listen(() => (state.value = store.state)))
    state.value = store.state
  })
  return state
}
