import type { JSX } from 'preact'

/** The icons by name, each on a grid of 24. */
const drawings = {
  up: 'M12 19V5M6 11l6-6 6 6',
  down: 'M12 5v14M6 13l6 6 6-6',
  open: 'M9 12l2.2 2.2L15.5 10M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z',
  close: 'M9.2 9.2l5.6 5.6m0-5.6-5.6 5.6M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z',
  error: 'M12 9v4.5m0 3v.1M10.3 4.2 2.9 17a2 2 0 0 0 1.7 3h14.8a2 2 0 0 0 1.7-3L13.7 4.2a2 2 0 0 0-3.4 0Z',
  note: 'M4 13h3l3 7 4-16 3 9h3',
  system: 'M4 5h16v11H4zM9 20h6M12 16v4',
  light:
    'M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4',
  dark: 'M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5Z',
  file: 'M14 3H7a2 2 0 0 0-2 2v14a2 2 0 0 0 2 2h10a2 2 0 0 0 2-2V8l-5-5Zm0 0v5h5',
  chevron: 'M9 6l6 6-6 6',
  timeline: 'M5 4v16M5 7h13M5 12h9M5 17h12',
  pen: 'M4 20l1-4L16 5l3 3L8 19l-4 1Z',
  copy: 'M9 9h10v11H9zM5 15V4h10',
  check: 'M5 12.5l4.5 4.5L19 7.5',
} as const

export type IconName = keyof typeof drawings

/** An icon in the colour of the text beside it, hidden from screen readers. */
export function Icon({ name, size = 16 }: { readonly name: IconName; readonly size?: number }): JSX.Element {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true">
      <path d={drawings[name]} />
    </svg>
  )
}

/** Two arrows that pass each other, in the colours of sent and received messages. */
export function Logo(): JSX.Element {
  return (
    <svg class="logo" width="30" height="30" viewBox="0 0 32 32" aria-hidden="true">
      <rect class="logo-ground" width="32" height="32" rx="9" />
      <path class="logo-there" d="M8 12.5h14.5M18.5 8l4.5 4.5" />
      <path class="logo-back" d="M24 19.5H9.5M13.5 24L9 19.5" />
    </svg>
  )
}
