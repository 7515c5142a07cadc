import { useComputed, useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'
import { formatCount } from '../../format.js'
import { mostEntries } from '../../timeline-log.js'
import { fill } from '../../words/fill.js'
import { Icon } from '../icons.js'
import { session } from '../model.js'
import { language, words } from '../preferences.js'
import { Segments } from '../segments.js'
import { TimelineRow } from './timeline-row.js'

type Filter = 'all' | 'messages' | 'events'

/** The distance from the end, in pixels, within which the list still follows new events. */
const nearEnd = 48

export function TimelineCard(): JSX.Element {
  const w = words.value
  const filter = useSignal<Filter>('all')
  const isAtEnd = useSignal(true)
  const list = useRef<HTMLOListElement>(null)
  const shown = useComputed(() =>
    session.log.entries.value.filter(
      ({ kind }) => filter.value === 'all' || (kind === 'message') === (filter.value === 'messages'),
    ),
  )
  const removed = session.log.removed.value
  const toEnd = (): void => {
    list.current!.scrollTop = list.current!.scrollHeight
  }
  useLayoutEffect(() => {
    if (isAtEnd.peek()) toEnd()
  }, [shown.value])

  return (
    <section class="card timeline" aria-labelledby="timeline-title" id="timeline" tabIndex={-1}>
      <div class="card-head">
        <h2 id="timeline-title">{w.timeline}</h2>
        <Segments
          label={w.filter}
          value={filter.value}
          choices={[
            { value: 'all', label: w.filterAll },
            { value: 'messages', label: w.filterMessages },
            { value: 'events', label: w.filterEvents },
          ]}
          onChoose={(value) => {
            filter.value = value
          }}
        />
        <button type="button" class="chip" id="clear-timeline" onClick={() => session.log.clear()}>
          {w.clearTimeline}
        </button>
      </div>
      {removed > 0 && (
        <p class="note" id="timeline-removed">
          {fill(w.timelineRemoved, {
            count: formatCount(removed, language.value),
            most: mostEntries,
          })}
        </p>
      )}
      <div class="timeline-body">
        {shown.value.length === 0 && (
          <div class="empty">
            <Icon name="timeline" size={32} />
            <strong>{session.log.entries.value.length > 0 ? w.filterNone : w.timelineEmpty}</strong>
            {session.log.entries.value.length === 0 && <p>{w.timelineEmptyHint}</p>}
          </div>
        )}
        <ol
          class="timeline-list"
          ref={list}
          aria-label={w.timelineList}
          onKeyDown={moveAmongRows}
          onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
            isAtEnd.value = scrollHeight - scrollTop - clientHeight < nearEnd
          }}
        >
          {shown.value.map((entry, index) => (
            <TimelineRow key={entry.id} entry={entry} isLast={index === shown.value.length - 1} />
          ))}
        </ol>
        {!isAtEnd.value && shown.value.length > 0 && (
          <button type="button" class="to-end" onClick={toEnd}>
            <Icon name="down" size={14} /> {w.toEnd}
          </button>
        )}
      </div>
    </section>
  )
}

/** The rows are one tab stop, because there may be hundreds; arrow keys move between them. */
function moveAmongRows(event: KeyboardEvent & { currentTarget: HTMLOListElement }): void {
  const { key, target, currentTarget } = event
  if (!(target instanceof HTMLElement) || !target.matches('.row-summary')) return
  const rows = [...currentTarget.querySelectorAll<HTMLElement>('.row-summary')]
  const at = rows.indexOf(target)
  const next = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: rows.length - 1 }[key]
  if (next === undefined) return
  event.preventDefault()
  rows[next]?.focus()
}
