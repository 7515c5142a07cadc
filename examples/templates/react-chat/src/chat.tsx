import { type FormEvent, useState } from 'react'
import { useRoom } from './use-room.ts'

export function Chat() {
  const [name, setName] = useState('')
  if (name === '') return <Field label="Your name" button="Enter" take={setName} />
  return <Room name={name} />
}

function Room({ name }: { readonly name: string }) {
  const { status, messages, members, send } = useRoom(name, 'room.lobby')
  return (
    <main>
      <p>
        <output>{status}</output>, with {members.join(', ')}
      </p>
      <ol>
        {messages.map(({ position, from, data }) => (
          <li key={position?.offset}>
            <b>{from}</b> {String(data)}
          </li>
        ))}
      </ol>
      <Field label="Message" button="Send" take={send} />
    </main>
  )
}

interface FieldProps {
  readonly label: string
  readonly button: string
  readonly take: (text: string) => unknown
}

/** A line of text that is cleared when it is sent. */
function Field({ label, button, take }: FieldProps) {
  const [text, setText] = useState('')
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (text !== '') take(text)
    setText('')
  }
  return (
    <form onSubmit={submit}>
      <label>
        {label} <input value={text} onChange={(event) => setText(event.target.value)} />
      </label>
      <button type="submit">{button}</button>
    </form>
  )
}
