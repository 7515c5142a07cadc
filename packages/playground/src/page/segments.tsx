import type { ComponentChildren, JSX } from 'preact'
import { useId } from 'preact/hooks'

interface Segment<Value extends string> {
  readonly value: Value
  readonly label: ComponentChildren
  /** The accessible name, if the label is an icon. */
  readonly name?: string
}

interface SegmentsProps<Value extends string> {
  readonly label: string
  readonly value: Value
  readonly choices: readonly Segment<Value>[]
  readonly onChoose: (value: Value) => void
}

/** A choice between a few values: radio buttons that look like one switch. */
export function Segments<Value extends string>(props: SegmentsProps<Value>): JSX.Element {
  const group = useId()
  return (
    <div class="segments" role="radiogroup" aria-label={props.label}>
      {props.choices.map(({ value, label, name }) => (
        <label key={value} class="segment" title={name}>
          <input
            type="radio"
            name={group}
            value={value}
            aria-label={name}
            checked={value === props.value}
            onChange={() => props.onChoose(value)}
          />
          <span>{label}</span>
        </label>
      ))}
    </div>
  )
}
