import { useSignal } from '@preact/signals'
import type { ComponentChildren, JSX } from 'preact'
import { formatDuration, formatSize, formatTime } from '../../format.js'
import { hexLine } from '../../hex-rows.js'
import type { Payload } from '../../payload.js'
import type {
  CloseEntry,
  ErrorEntry,
  MessageEntry,
  OpenEntry,
  RoundTripsEntry,
  TimelineEntry,
} from '../../timeline-entry.js'
import { closeCodeWords } from '../../words/close-code-words.js'
import { fill } from '../../words/fill.js'
import { Icon, type IconName } from '../icons.js'
import { language, words } from '../preferences.js'
import { PayloadView } from './payload-view.js'

/** The length of a text's preview on its row. */
const previewLength = 140

interface RowParts {
  readonly icon: IconName
  readonly tone: string
  readonly name: string
  readonly what: ComponentChildren
  readonly size?: ComponentChildren
  readonly details: ComponentChildren
}

interface TimelineRowProps {
  readonly entry: TimelineEntry
  readonly isLast: boolean
}

/** One event: a line, and its details when it is opened. */
export function TimelineRow({ entry, isLast }: TimelineRowProps): JSX.Element {
  const isOpen = useSignal(false)
  const { icon, tone, name, what, size, details } = partsOf(entry)
  const id = `row-${entry.id}`
  return (
    <li class={`row row-${tone}`}>
      <button
        type="button"
        class="row-summary"
        tabIndex={isLast ? 0 : -1}
        aria-expanded={isOpen.value}
        aria-controls={isOpen.value ? id : undefined}
        onClick={() => {
          isOpen.value = !isOpen.value
        }}
      >
        <span class="row-icon">
          <Icon name={icon} />
        </span>
        <time dateTime={new Date(entry.at).toISOString()}>{formatTime(entry.at)}</time>
        <span class="row-name">{name}</span>
        <span class="row-what">{what}</span>
        <span class="row-size">{size}</span>
        <span class="row-chevron">
          <Icon name="chevron" size={14} />
        </span>
      </button>
      {isOpen.value && (
        <div class="row-details" id={id}>
          {details}
        </div>
      )}
    </li>
  )
}

function partsOf(entry: TimelineEntry): RowParts {
  switch (entry.kind) {
    case 'open':
      return openParts(entry)
    case 'message':
      return messageParts(entry)
    case 'close':
      return closeParts(entry)
    case 'error':
      return errorParts(entry)
    case 'roundTrips':
      return roundTripsParts(entry)
  }
}

function openParts({ url, protocol, extensions, tookMs }: OpenEntry): RowParts {
  const w = words.value
  return {
    icon: 'open',
    tone: 'open',
    name: w.eventOpen,
    what: url,
    size: fill(w.openedIn, { time: formatDuration(tookMs) }),
    details: (
      <Facts
        facts={[
          ['url', url],
          ['protocol', protocol || w.none],
          ['extensions', extensions || w.none],
        ]}
      />
    ),
  }
}

function messageParts({ direction, payload }: MessageEntry): RowParts {
  const w = words.value
  const isSent = direction === 'sent'
  return {
    icon: isSent ? 'up' : 'down',
    tone: direction,
    name: isSent ? w.sent : w.received,
    what: <Preview payload={payload} />,
    size: (
      <>
        <span class="badge">{payload.type === 'string' ? w.tabText : payload.type}</span>
        {formatSize(payload.size)}
      </>
    ),
    details: (
      <>
        <p class="row-type">
          {fill(isSent ? w.sentAs : w.eventData, { type: w[`eventData${capital(payload.type)}`] })}
        </p>
        <PayloadView payload={payload} />
      </>
    ),
  }
}

function closeParts({ code, reason, wasClean }: CloseEntry): RowParts {
  const w = words.value
  const meaning = closeCodeWords(code, language.value)
  return {
    icon: 'close',
    tone: wasClean ? 'close' : 'lost',
    name: w.eventClose,
    what: (
      <>
        <span class="badge">{code}</span>
        {meaning}
        {reason && <q>{reason}</q>}
      </>
    ),
    size: (
      <span class={wasClean ? 'clean' : 'unclean'}>
        {w.wasClean} {String(wasClean)}
      </span>
    ),
    details: (
      <Facts
        facts={[
          ['code', `${code}: ${meaning}`],
          ['reason', reason || w.noReason],
          ['wasClean', String(wasClean)],
        ]}
      />
    ),
  }
}

function errorParts({ url, wasOpen }: ErrorEntry): RowParts {
  const w = words.value
  return {
    icon: 'error',
    tone: 'error',
    name: w.eventError,
    what: wasOpen ? w.whyLost : w.whyRefused,
    details: (
      <>
        <Facts facts={[['url', url]]} />
        <p>{wasOpen ? w.causesLost : w.causesRefused}</p>
      </>
    ),
  }
}

function roundTripsParts({ count, p50, p99 }: RoundTripsEntry): RowParts {
  const w = words.value
  const sentence = fill(w.roundTripsDone, { count, p50: formatDuration(p50), p99: formatDuration(p99) })
  return { icon: 'note', tone: 'note', name: w.eventNote, what: sentence, details: <p>{sentence}</p> }
}

function Preview({ payload: { type, size, head } }: { readonly payload: Payload }): JSX.Element {
  const w = words.value
  if (size === 0) return <em>{w.empty}</em>
  if (!head) return <em>{w.reading}</em>
  if (type !== 'string') return <span class="bytes">{hexLine(head)}</span>
  // Cut the bytes first, so that a long text is not decoded whole for one line.
  const text = new TextDecoder().decode(head.subarray(0, previewLength * 4)).slice(0, previewLength)
  return <>{text.replaceAll('\n', ' ↵ ')}</>
}

function Facts({ facts }: { readonly facts: readonly (readonly [string, string])[] }): JSX.Element {
  return (
    <dl class="row-facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

function capital<Type extends Payload['type']>(type: Type): 'String' | Exclude<Type, 'string'> {
  return type === 'string' ? 'String' : (type as Exclude<Type, 'string'>)
}
