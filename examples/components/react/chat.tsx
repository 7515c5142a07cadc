import { type FormEvent, StrictMode, useState } from 'react'
import { createRoot } from 'react-dom/client'
import { useLink, useLinkStatus, useTopic } from './use-topic.js'

const name = new URLSearchParams(location.search).get('name') ?? 'guest'
const options = { token: () => name, maxWaitMs: 1000 }

function Chat({ room }: { readonly room: string }) {
  const link = useLink(location.origin.replace('http', 'ws'), options)
  const status = useLinkStatus(link)
  const { messages, error } = useTopic(link, room)
  const [text, setText] = useState('')
  const send = (event: FormEvent) => {
    event.preventDefault()
    link?.publish(room, text).catch((failure: Error) => alert(failure.message))
    setText('')
  }
  return (
    <main data-state={status?.state}>
      <Members room={room} link={link} />
      <ul>
        {messages.map(({ from, data, position }) => (
          <li key={`${position?.epoch} ${position?.offset}`}>{`${from}: ${data}`}</li>
        ))}
      </ul>
      {error && <p role="alert">{error.message}</p>}
      <form onSubmit={send}>
        <input value={text} onChange={({ target }) => setText(target.value)} aria-label="Message" />
      </form>
    </main>
  )
}

/** A second component on the same topic: it shares the subscription. */
function Members({ link, room }: { readonly link: ReturnType<typeof useLink>; readonly room: string }) {
  const { members } = useTopic(link, room)
  return <p id="members">{members.map(({ user }) => user).join(', ')}</p>
}

createRoot(document.querySelector('#app')!).render(
  <StrictMode>
    <Chat room="room.1" />
  </StrictMode>,
)
