import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import { formatSize } from '../../format.js'
import { hexRows } from '../../hex-rows.js'
import type { Payload } from '../../payload.js'
import { prettyJson } from '../../pretty-json.js'
import { fill } from '../../words/fill.js'
import { CopyButton } from '../copy-button.js'
import { words } from '../preferences.js'
import { Segments } from '../segments.js'

type View = 'json' | 'text' | 'hex'

/** The number of bytes shown at first, and added by each click. */
const firstShown = { json: 65_536, text: 4096, hex: 1024 } as const
const moreShown = 16_384

/** The bytes of a message as indented JSON, as text or as a hex dump, whatever its type. */
export function PayloadView({ payload: { type, size, head, isWhole } }: { readonly payload: Payload }): JSX.Element {
  const w = words.value
  const bytes = head ?? new Uint8Array()
  const text = useMemo(() => new TextDecoder().decode(bytes, { stream: !isWhole }), [bytes, isWhole])
  const json = useMemo(() => (isWhole ? prettyJson(text) : undefined), [text, isWhole])
  const chosen = useSignal<View | undefined>(undefined)
  const view = chosen.value ?? (json ? 'json' : type === 'string' ? 'text' : 'hex')
  const more = useSignal(0)
  const shownBytes = Math.min(bytes.length, firstShown[view] + more.value)
  const content = contentOf(view, bytes.subarray(0, shownBytes), json)
  const isUtf8 = view !== 'text' || !content.includes('�')

  return (
    <div class="payload">
      <div class="payload-head">
        <Segments
          label={w.view}
          value={view}
          choices={[
            ...(json ? [{ value: 'json' as const, label: w.viewJson }] : []),
            { value: 'text', label: w.viewText },
            { value: 'hex', label: w.viewHex },
          ]}
          onChoose={(value) => {
            chosen.value = value
          }}
        />
        <CopyButton text={() => content} />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
      <pre class={`payload-body payload-${view}`} tabIndex={0}>
        {content}
      </pre>
      {!isUtf8 && <p class="hint">{w.notUtf8}</p>}
      {shownBytes < size && (
        <p class="hint payload-foot">
          {fill(w.partShown, { shown: formatSize(shownBytes), size: formatSize(size) })}
          {shownBytes < bytes.length && (
            <button
              type="button"
              class="chip"
              onClick={() => {
                more.value += moreShown
              }}
            >
              {w.showMore}
            </button>
          )}
        </p>
      )}
    </div>
  )
}

function contentOf(view: View, bytes: Uint8Array, json: string | undefined): string {
  if (view === 'json' && json) return json
  if (view !== 'hex') return new TextDecoder().decode(bytes, { stream: true })
  const perRow = matchMedia('(max-width: 40rem)').matches ? 8 : 16
  return hexRows(bytes, perRow)
    .map(({ offset, hex, ascii }) => `${offset}  ${hex}  ${ascii}`)
    .join('\n')
}
