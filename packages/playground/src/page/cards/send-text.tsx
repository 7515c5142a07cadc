import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useRef } from 'preact/hooks'
import type { Words } from '../../words/english.js'
import { isOpen, lastAction, session } from '../model.js'
import { words } from '../preferences.js'

const examples: readonly { readonly name: keyof Words; readonly text: () => string }[] = [
  { name: 'exampleHello', text: () => 'Hello WebSockets!' },
  {
    name: 'exampleJson',
    text: () => JSON.stringify({ type: 'order', id: 1024, items: [{ name: 'tea', price: 3.5 }], note: '谢谢' }),
  },
  { name: 'exampleUnicode', text: () => 'Grüße, 世界, שלום, नमस्ते 👩🏽‍🚀 𝄞' },
  { name: 'exampleLong', text: () => '0123456789abcdef'.repeat(4000) },
]

export function SendText(): JSX.Element {
  const w = words.value
  const text = useSignal('Hello WebSockets!')
  const area = useRef<HTMLTextAreaElement>(null)
  const send = (event: Event): void => {
    event.preventDefault()
    if (!session.send(text.value)) return
    lastAction.value = { kind: 'text', text: text.value }
    area.current?.select()
  }
  return (
    <form class="send-text" onSubmit={send}>
      <div class="field">
        <label for="message">{w.message}</label>
        <textarea
          id="message"
          class="code-input"
          rows={4}
          spellcheck={false}
          ref={area}
          value={text.value}
          onInput={({ currentTarget }) => {
            text.value = currentTarget.value
          }}
          onKeyDown={(event) => {
            // While an input method is composing, Enter accepts its suggestion.
            if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) send(event)
          }}
          aria-describedby="message-hint"
        />
      </div>
      <fieldset class="examples">
        <legend class="hidden">{w.examples}</legend>
        {examples.map((example) => (
          <button
            key={example.name}
            type="button"
            class="chip"
            onClick={() => {
              text.value = example.text()
              area.current?.focus()
            }}
          >
            {w[example.name]}
          </button>
        ))}
      </fieldset>
      <div class="form-foot">
        <p class="hint" id="message-hint">
          {isOpen.value ? w.messageHint : w.notOpen}
        </p>
        <button type="submit" class="button button-primary" id="send" disabled={!isOpen.value}>
          {w.send}
        </button>
      </div>
    </form>
  )
}
