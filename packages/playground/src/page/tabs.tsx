import { useSignal } from '@preact/signals'
import type { ComponentChildren, JSX } from 'preact'
import { useId, useRef } from 'preact/hooks'

interface Tab {
  readonly key: string
  readonly label: string
  readonly content: ComponentChildren
}

/** The number of tabs that each key moves by. */
const steps: Readonly<Record<string, number>> = {
  ArrowRight: 1,
  ArrowLeft: -1,
  Home: Number.NEGATIVE_INFINITY,
  End: Number.POSITIVE_INFINITY,
}

/** Shows one panel of several. All stay mounted, so that typed text and drawings are kept. */
export function Tabs({ label, tabs }: { readonly label: string; readonly tabs: readonly Tab[] }): JSX.Element {
  const chosen = useSignal(0)
  const id = useId()
  const list = useRef<HTMLDivElement>(null)

  const move = (event: KeyboardEvent): void => {
    const step = steps[event.key]
    if (step === undefined) return
    event.preventDefault()
    const count = tabs.length
    chosen.value = Number.isFinite(step) ? (chosen.value + step + count) % count : step < 0 ? 0 : count - 1
    list.current?.querySelectorAll<HTMLElement>('[role=tab]')[chosen.value]?.focus()
  }

  return (
    <div class="tabs">
      <div class="tab-list" role="tablist" aria-label={label} ref={list} onKeyDown={move}>
        {tabs.map((tab, index) => (
          <button
            key={tab.key}
            type="button"
            role="tab"
            id={`${id}-${tab.key}`}
            aria-selected={index === chosen.value}
            aria-controls={`${id}-${tab.key}-panel`}
            tabIndex={index === chosen.value ? 0 : -1}
            onClick={() => {
              chosen.value = index
            }}
          >
            {tab.label}
          </button>
        ))}
      </div>
      {tabs.map((tab, index) => (
        <div
          key={tab.key}
          class="tab-panel"
          role="tabpanel"
          id={`${id}-${tab.key}-panel`}
          aria-labelledby={`${id}-${tab.key}`}
          hidden={index !== chosen.value}
        >
          {tab.content}
        </div>
      ))}
    </div>
  )
}
