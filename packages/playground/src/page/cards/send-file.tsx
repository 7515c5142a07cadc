import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { formatSize } from '../../format.js'
import { binaryBytes, equalBytes } from '../../payload.js'
import { fill } from '../../words/fill.js'
import { Icon } from '../icons.js'
import { isOpen, lastAction, session } from '../model.js'
import { words } from '../preferences.js'

/** The longest message that the echo service accepts. */
const mostBytes = 16 << 20

/** The state of the file: sent, or the number of its leading bytes that came back the same. */
type Outcome = 'waiting' | { readonly equal: number; readonly size: number }

export function SendFile(): JSX.Element {
  const w = words.value
  const file = useSignal<File | undefined>(undefined)
  const isOver = useSignal(false)
  const outcome = useSignal<Outcome | undefined>(undefined)

  const choose = (files: FileList | null | undefined): void => {
    if (!files?.[0]) return
    file.value = files[0]
    outcome.value = undefined
  }
  const send = (event: Event): void => {
    event.preventDefault()
    const sent = file.value
    if (!sent || !session.send(sent)) return
    lastAction.value = { kind: 'file', name: sent.name }
    outcome.value = 'waiting'
    const stopReceiving = session.onReceived((data) => {
      if (typeof data === 'string' || (data instanceof Blob ? data.size : data.byteLength) !== sent.size) return false
      stopReceiving()
      Promise.all([binaryBytes(data), binaryBytes(sent)]).then(
        ([returned, original]) => {
          if (file.value === sent) outcome.value = { equal: equalBytes(returned!, original!), size: sent.size }
        },
        () => {
          outcome.value = undefined
        },
      )
      return false
    })
  }

  return (
    <form class="send-file" onSubmit={send}>
      <label
        class={`drop-zone ${isOver.value ? 'is-over' : ''}`}
        onDragOver={(event) => {
          event.preventDefault()
          isOver.value = true
        }}
        onDragLeave={() => {
          isOver.value = false
        }}
        onDrop={(event) => {
          event.preventDefault()
          isOver.value = false
          choose(event.dataTransfer?.files)
        }}
      >
        <input
          type="file"
          id="file"
          class="hidden"
          aria-label={w.file}
          onChange={({ currentTarget }) => choose(currentTarget.files)}
        />
        <Icon name="file" size={28} />
        {file.value ? (
          <>
            <strong>{file.value.name}</strong>
            <span class="hint">
              {formatSize(file.value.size)} {file.value.type}
            </span>
          </>
        ) : (
          <>
            <strong>{w.fileChoose}</strong>
            <span class="hint">{w.fileHint}</span>
          </>
        )}
      </label>
      {file.value && file.value.size > mostBytes && <p class="complaint">{w.fileBig}</p>}
      <div class="form-foot">
        <p class="hint" role="status">
          {isOpen.value ? outcomeWords(outcome.value) : w.notOpen}
        </p>
        <button
          type="submit"
          class="button button-primary"
          id="send-file"
          disabled={!isOpen.value || file.value === undefined}
        >
          {w.send}
        </button>
      </div>
    </form>
  )
}

function outcomeWords(outcome: Outcome | undefined): string {
  const w = words.value
  if (outcome === undefined) return ''
  if (outcome === 'waiting') return w.fileWaiting
  return outcome.equal === outcome.size
    ? fill(w.fileSame, { size: formatSize(outcome.size) })
    : fill(w.fileOther, { at: outcome.equal })
}
