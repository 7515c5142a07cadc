import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { Icon } from './icons.js'
import { words } from './preferences.js'

/** How long the button shows that the text was copied. */
const saidMs = 1600

export function CopyButton({ text }: { readonly text: () => string }): JSX.Element {
  const state = useSignal<'copy' | 'copied' | 'copyFailed'>('copy')
  const copy = async (): Promise<void> => {
    state.value = (await copyText(text())) ? 'copied' : 'copyFailed'
    setTimeout(() => {
      state.value = 'copy'
    }, saidMs)
  }
  return (
    <button type="button" class="chip copy" onClick={copy}>
      <Icon name={state.value === 'copied' ? 'check' : 'copy'} size={14} />
      <span aria-live="polite">{words.value[state.value]}</span>
    </button>
  )
}

async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    // A page that was loaded by http from another machine has only this clipboard API.
    return copySelected(text)
  }
}

function copySelected(text: string): boolean {
  const before = document.activeElement
  const area = document.createElement('textarea')
  area.value = text
  area.className = 'hidden'
  document.body.append(area)
  area.select()
  const isCopied = document.execCommand('copy')
  area.remove()
  if (before instanceof HTMLElement) before.focus()
  return isCopied
}
