import { useEffect, useState } from 'react'
import { Link, type TopicMessage } from 'twoway/link'

/** A room of the chat: its messages, who is there, and how the connection is. The link connects again after a loss. */
export function useRoom(name: string, room: string) {
  const [link, setLink] = useState<Link>()
  const [status, setStatus] = useState('connecting')
  const [messages, setMessages] = useState<readonly TopicMessage[]>([])
  const [members, setMembers] = useState<readonly string[]>([])

  useEffect(() => {
    const created = new Link(`${location.origin.replace('http', 'ws')}/chat`, { token: () => name })
    created.onStatus(({ state }) => setStatus(state))
    created.subscribe(room, (message) => setMessages((before) => [...before, message]), {
      last: 50,
      presence: (view) => setMembers(view.members.map(({ user }) => user)),
    })
    setLink(created)
    return () => {
      created.close()
      setMessages([])
    }
  }, [name, room])

  const send = (text: string) => link?.publish(room, text)
  return { status, messages, members, send }
}
