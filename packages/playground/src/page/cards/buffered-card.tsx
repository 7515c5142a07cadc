import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { bulkBytes } from '../../bulk-send.js'
import { formatDuration, formatSize } from '../../format.js'
import { fill } from '../../words/fill.js'
import { Chart } from '../chart.js'
import { bulkSend, isOpen, lastAction } from '../model.js'
import { words } from '../preferences.js'

/** The numbers of messages into which the 10 MB can be divided. */
const counts = [1, 10, 160] as const

export function BufferedCard(): JSX.Element {
  const w = words.value
  const { state, x, y } = bulkSend.view.value
  const count = useSignal('1')
  const send = (event: Event): void => {
    event.preventDefault()
    const messages = Number(count.value)
    lastAction.value = { kind: 'bulk', messages, bytes: bulkBytes }
    void bulkSend.run(messages)
  }
  const summary = summaryWords()
  return (
    <section class="card measure" aria-labelledby="buffered-title" id="buffered">
      <div class="card-head">
        <h2 id="buffered-title" class="code-title">
          {w.buffered}
        </h2>
        {state !== 'idle' && (
          <p class={`outcome outcome-${state}`} role="status" id="buffered-outcome">
            {state === 'sent' ? (
              <>
                <strong>{w.bufferedSent}</strong> {summary}
              </>
            ) : (
              summary
            )}
          </p>
        )}
      </div>
      <p class="hint">{w.bufferedHint}</p>
      {state === 'idle' ? (
        <div class="chart-empty">
          <span>{w.bufferedEmpty}</span>
        </div>
      ) : (
        <Chart
          label={fill(w.bufferedChart, { summary: state === 'sent' ? `${w.bufferedSent} ${summary}` : summary })}
          x={x}
          curves={[{ colour: '--sent', values: y, isFilled: true }]}
          formatX={formatDuration}
          formatY={formatSize}
        />
      )}
      <form class="measure-form" onSubmit={send}>
        <label class="inline-field">
          <span>{w.bufferedAs}</span>
          <select
            id="bulk-count"
            value={count.value}
            onChange={({ currentTarget }) => {
              count.value = currentTarget.value
            }}
          >
            {counts.map((value) => (
              <option key={value} value={value}>
                {fill(w.bufferedMessages, { count: value, size: formatSize(bulkBytes / value) })}
              </option>
            ))}
          </select>
        </label>
        <button type="submit" class="button" id="send-bulk" disabled={!isOpen.value || state === 'sending'}>
          {w.bufferedSend}
        </button>
      </form>
    </section>
  )
}

function summaryWords(): string {
  const w = words.value
  const { state, y, tookMs, left } = bulkSend.view.value
  if (state === 'closed') return fill(w.bufferedClosed, { size: formatSize(left) })
  if (state === 'sending') return fill(w.bufferedNow, { size: formatSize(y.at(-1) ?? 0) })
  return fill(w.bufferedTook, {
    time: formatDuration(tookMs),
    rate: formatSize(Math.round((bulkBytes / Math.max(tookMs, 0.1)) * 1000)),
  })
}
