import picocolors from 'picocolors'

export type Colours = ReturnType<typeof picocolors.createColors>

export const noColours: Colours = picocolors.createColors(false)

/** Colours for a stream. There are none if it is not a terminal or NO_COLOR is set, unless FORCE_COLOR is set. */
export function coloursFor(stream: { readonly isTTY?: boolean }): Colours {
  const { NO_COLOR: none, FORCE_COLOR: forced, TERM: terminal } = process.env
  if (none !== undefined && none !== '') return noColours
  if (forced !== undefined && forced !== '' && forced !== '0') return picocolors.createColors(true)
  return picocolors.createColors(stream.isTTY === true && terminal !== 'dumb')
}
