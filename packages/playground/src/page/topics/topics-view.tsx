import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'
import { formatTime } from '../../format.js'
import { TopicSession } from '../../topics/topic-session.js'
import { fill } from '../../words/fill.js'
import { urlField } from '../model.js'
import { words } from '../preferences.js'

const topics = new TopicSession()

/** The second page: topics of a hub, with each frame in words. */
export function TopicsView(): JSX.Element {
  return (
    <>
      <div class="topics-side">
        <LinkCard />
        <TopicsCard />
      </div>
      <FramesCard />
    </>
  )
}

function LinkCard(): JSX.Element {
  const w = words.value
  const name = useSignal('Ann')
  const status = topics.status.value
  const state = status?.state ?? 'closed'
  const connect = (event: Event): void => {
    event.preventDefault()
    topics.connect(urlField.value.trim(), name.value)
  }
  return (
    <section class="card" aria-labelledby="link-title">
      <div class="card-head">
        <h2 id="link-title">{w.link}</h2>
        <p class="hint" role="status" id="link-state">
          {state}
          {status?.why ? `: ${status.why}` : ''}
        </p>
      </div>
      <form class="topics-form" onSubmit={connect}>
        <Field id="link-url" label={w.url} value={urlField.value} onInput={(value) => (urlField.value = value)} />
        <Field id="link-name" label={w.linkName} value={name.value} onInput={(value) => (name.value = value)} />
        <div class="form-foot">
          <button type="submit" class="button button-primary" id="link-connect">
            {state === 'closed' ? w.connect : w.reconnect}
          </button>
          <button type="button" class="button" id="link-cut" disabled={state !== 'online'} onClick={() => topics.cut()}>
            {w.linkCut}
          </button>
          <button type="button" class="button" disabled={state === 'closed'} onClick={() => topics.close()}>
            {w.close}
          </button>
        </div>
        <p class="hint">{w.linkHint}</p>
      </form>
    </section>
  )
}

function TopicsCard(): JSX.Element {
  const w = words.value
  const topic = useSignal('room.1')
  const text = useSignal('Hello topics!')
  const isVolatile = useSignal(false)
  const isClosed = (topics.status.value?.state ?? 'closed') === 'closed'
  return (
    <section class="card" aria-labelledby="topics-title">
      <div class="card-head">
        <h2 id="topics-title">{w.topics}</h2>
      </div>
      <form
        class="topics-form"
        onSubmit={(event) => {
          event.preventDefault()
          topics.publish(topic.value, text.value, isVolatile.value)
        }}
      >
        <Field id="topic" label={w.topic} value={topic.value} onInput={(value) => (topic.value = value)} />
        <Field id="topic-text" label={w.message} value={text.value} onInput={(value) => (text.value = value)} />
        <label class="hint check">
          <input
            type="checkbox"
            checked={isVolatile.value}
            onChange={({ currentTarget }) => {
              isVolatile.value = currentTarget.checked
            }}
          />{' '}
          {w.topicVolatile}
        </label>
        <div class="form-foot">
          <button
            type="button"
            class="button"
            id="topic-subscribe"
            disabled={isClosed}
            onClick={() => topics.subscribe(topic.value)}
          >
            {w.topicSubscribe}
          </button>
          <button type="submit" class="button button-primary" id="topic-publish" disabled={isClosed}>
            {w.topicPublish}
          </button>
        </div>
      </form>
      <p class="hint" role="alert" id="topic-problem">
        {topics.problem.value}
      </p>
      <ul class="topic-list">
        {topics.topics.value.map((state) => (
          <li key={state.topic}>
            <strong>{state.topic}</strong>
            <span>{fill(w.topicPlace, { place: state.place || '–' })}</span>
            <span>{fill(w.topicMembers, { members: state.members.join(', ') || '–' })}</span>
            <button type="button" class="chip" onClick={() => topics.unsubscribe(state)}>
              {w.topicUnsubscribe}
            </button>
          </li>
        ))}
      </ul>
    </section>
  )
}

function FramesCard(): JSX.Element {
  const w = words.value
  const list = useRef<HTMLOListElement>(null)
  const events = topics.events.value
  useLayoutEffect(() => {
    list.current!.scrollTop = list.current!.scrollHeight
  }, [events])
  return (
    <section class="card frames" aria-labelledby="frames-title">
      <div class="card-head">
        <h2 id="frames-title">{w.frames}</h2>
        <button type="button" class="button" onClick={() => topics.clear()}>
          {w.clearTimeline}
        </button>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a list that scrolls must be reachable by the keyboard */}
      <ol class="frame-list" ref={list} tabIndex={0} aria-label={w.timelineList}>
        {events.map(({ id, at, direction, words: said, text }) => (
          <li key={id} class={`frame frame-${direction}`}>
            <time dateTime={new Date(at).toISOString()}>{formatTime(at)}</time>
            <span class="frame-side">{direction === 'state' ? w.eventNote : w[direction]}</span>
            <details>
              <summary>{said === undefined ? text : fill(w[said.key], said.values)}</summary>
              <code>{text}</code>
            </details>
          </li>
        ))}
      </ol>
    </section>
  )
}

interface FieldProps {
  readonly id: string
  readonly label: string
  readonly value: string
  readonly onInput: (value: string) => void
}

function Field({ id, label, value, onInput }: FieldProps): JSX.Element {
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        class="code-input"
        spellcheck={false}
        value={value}
        onInput={({ currentTarget }) => onInput(currentTarget.value)}
      />
    </div>
  )
}
