import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { formatDuration } from '../../format.js'
import { fill } from '../../words/fill.js'
import { connect, isOpen, lastAction, protocolsField, refusal, session, urlField } from '../model.js'
import { words } from '../preferences.js'
import { Segments } from '../segments.js'

/** The names of `readyState`, by its number. */
const states = ['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED'] as const

export function ConnectionCard(): JSX.Element {
  const w = words.value
  return (
    <section class="card connection" aria-labelledby="connection-title">
      <h2 id="connection-title" class="hidden">
        {w.connection}
      </h2>
      <StateTrack />
      <ConnectForm />
      <div class="connection-foot">
        <Agreed />
        <CloseForm />
      </div>
    </section>
  )
}

function StateTrack(): JSX.Element {
  const w = words.value
  const now = session.readyState.value
  return (
    <>
      <p class="hidden" role="status">
        {fill(w.stateNow, { number: now, name: states[now]! })}
      </p>
      <ol class="state-track" aria-label={w.readyState}>
        {states.map((name, number) => (
          <li key={name} class={`state state-${name.toLowerCase()}`} aria-current={number === now ? 'step' : undefined}>
            <span class="lamp" />
            <span class="state-number">{number}</span>
            <span class="state-name">{name}</span>
          </li>
        ))}
      </ol>
    </>
  )
}

function ConnectForm(): JSX.Element {
  const w = words.value
  const isConnecting = session.readyState.value === 0
  const wrong = refusal.value
  const isWrongProtocol = wrong === 'badProtocols'
  const submit = (event: Event): void => {
    event.preventDefault()
    if (isConnecting) session.close(1000, '')
    else connect()
  }
  return (
    <form class="connect-form" onSubmit={submit} noValidate>
      <div class="field url-field">
        <label for="url">{w.url}</label>
        <input
          id="url"
          class="code-input"
          inputMode="url"
          autoComplete="off"
          autoCapitalize="off"
          spellcheck={false}
          placeholder="wss://example.com/socket"
          value={urlField.value}
          onInput={({ currentTarget }) => {
            urlField.value = currentTarget.value
          }}
          aria-invalid={wrong !== undefined && !isWrongProtocol}
          aria-describedby={wrong && 'connect-refusal'}
        />
      </div>
      <div class="field">
        <label for="protocols">{w.subprotocols}</label>
        <input
          id="protocols"
          class="code-input"
          autoComplete="off"
          autoCapitalize="off"
          spellcheck={false}
          placeholder={w.subprotocolsHint}
          value={protocolsField.value}
          onInput={({ currentTarget }) => {
            protocolsField.value = currentTarget.value
          }}
          aria-invalid={isWrongProtocol}
          aria-describedby={wrong && 'connect-refusal'}
        />
      </div>
      <button type="submit" class="button button-primary button-large" id="connect">
        {isConnecting ? w.cancel : isOpen.value ? w.reconnect : w.connect}
      </button>
      {wrong && (
        <p id="connect-refusal" class="complaint" role="alert">
          {w[wrong]}
        </p>
      )}
    </form>
  )
}

/** The agreed subprotocol and extensions, and the type of received binary messages. */
function Agreed(): JSX.Element {
  const w = words.value
  const agreement = session.agreement.value
  const { value: binaryType } = session.binaryType
  const type = binaryType === 'blob' ? 'Blob' : 'ArrayBuffer'
  return (
    <div class="agreed">
      <div class="binary-type">
        <span class="small-label">{w.binaryType}</span>
        <Segments
          label={w.binaryType}
          value={binaryType}
          choices={[
            { value: 'blob', label: 'blob' },
            { value: 'arraybuffer', label: 'arraybuffer' },
          ]}
          onChoose={(value) => session.setBinaryType(value)}
        />
        <span class="hint" id="binary-type-is">
          {fill(w.eventData, { type: w[`eventData${type}`] })}
        </span>
      </div>
      {agreement && (
        <dl class="facts">
          <div>
            <dt>{w.agreedProtocol}</dt>
            <dd>{agreement.protocol || w.none}</dd>
          </div>
          <div>
            <dt>{w.agreedExtensions}</dt>
            <dd>{agreement.extensions || w.none}</dd>
          </div>
          <div>
            <dt>{w.agreedTook}</dt>
            <dd>{formatDuration(agreement.tookMs)}</dd>
          </div>
        </dl>
      )}
    </div>
  )
}

function CloseForm(): JSX.Element {
  const w = words.value
  const code = useSignal('1000')
  const reason = useSignal('')
  const isRefused = useSignal(false)
  const submit = (event: Event): void => {
    event.preventDefault()
    const number = Number(code.value)
    try {
      session.close(number, reason.value)
      isRefused.value = false
      lastAction.value = { kind: 'close', code: number, reason: reason.value }
    } catch {
      isRefused.value = true
    }
  }
  return (
    <form class="close-form" onSubmit={submit} noValidate>
      <div class="field close-code">
        <label for="close-code">{w.closeCode}</label>
        <input
          id="close-code"
          class="code-input"
          inputMode="numeric"
          autoComplete="off"
          value={code.value}
          onInput={({ currentTarget }) => {
            code.value = currentTarget.value
          }}
          aria-invalid={isRefused.value}
          aria-describedby={isRefused.value ? 'close-refusal' : undefined}
        />
      </div>
      <div class="field close-reason">
        <label for="close-reason">{w.closeReason}</label>
        <input
          id="close-reason"
          autoComplete="off"
          placeholder={w.closeReasonHint}
          value={reason.value}
          onInput={({ currentTarget }) => {
            reason.value = currentTarget.value
          }}
        />
      </div>
      <button type="submit" class="button" id="close" disabled={!isOpen.value}>
        {w.close}
      </button>
      {isRefused.value && (
        <p id="close-refusal" class="complaint" role="alert">
          {w.badClose}
        </p>
      )}
    </form>
  )
}
