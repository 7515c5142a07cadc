import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { formatDuration } from '../../format.js'
import { roundTripCurve } from '../../round-trips.js'
import { fill } from '../../words/fill.js'
import { Chart } from '../chart.js'
import { isOpen, lastAction, roundTrips } from '../model.js'
import { words } from '../preferences.js'

const counts = [100, 1000, 10_000] as const

export function RoundTripCard(): JSX.Element {
  const w = words.value
  const { state, goal, times, p50, p99 } = roundTrips.view.value
  const count = useSignal('100')
  const isRunning = state === 'running'
  const submit = (event: Event): void => {
    event.preventDefault()
    if (isRunning) {
      roundTrips.stop()
      return
    }
    lastAction.value = { kind: 'roundTrips', count: Number(count.value) }
    void roundTrips.run(Number(count.value))
  }
  const { x, y } = roundTripCurve(times)
  const summary = `p50 ${formatDuration(p50)}, p99 ${formatDuration(p99)}`
  return (
    <section class="card measure" aria-labelledby="round-trip-title" id="round-trip">
      <div class="card-head">
        <h2 id="round-trip-title">{w.roundTrip}</h2>
        {times.length > 0 && (
          <dl class="percentiles">
            <div class="p50">
              <dt>p50</dt>
              <dd>{formatDuration(p50)}</dd>
            </div>
            <div class="p99">
              <dt>p99</dt>
              <dd>{formatDuration(p99)}</dd>
            </div>
          </dl>
        )}
      </div>
      <p class="hint" role="status" id="round-trip-outcome">
        {state === 'noAnswer'
          ? w.roundTripNoAnswer
          : state === 'closed'
            ? w.roundTripClosed
            : isRunning || state === 'done'
              ? fill(w.roundTripProgress, { count: times.length, goal })
              : w.roundTripHint}
      </p>
      {times.length === 0 ? (
        <div class="chart-empty">
          <span>{w.roundTripEmpty}</span>
        </div>
      ) : (
        <Chart
          label={fill(w.roundTripChart, { summary })}
          x={x}
          curves={[
            { colour: '--received', values: y, arePoints: true },
            { colour: '--p50', values: x.map(() => p50), isDashed: true },
            { colour: '--p99', values: x.map(() => p99), isDashed: true },
          ]}
          formatX={String}
          formatY={(value) => `${Number(value.toPrecision(3))} ms`}
        />
      )}
      <form class="measure-form" onSubmit={submit}>
        <label class="inline-field">
          <span>{w.roundTripCount}</span>
          <select
            id="round-trip-count"
            value={count.value}
            onChange={({ currentTarget }) => {
              count.value = currentTarget.value
            }}
          >
            {counts.map((value) => (
              <option key={value} value={value}>
                {value}
              </option>
            ))}
          </select>
        </label>
        <button type="submit" class="button" id="measure" disabled={!isOpen.value && !isRunning}>
          {isRunning ? w.roundTripStop : w.roundTripMeasure}
        </button>
      </form>
    </section>
  )
}
