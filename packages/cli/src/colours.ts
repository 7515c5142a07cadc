import picocolors from 'picocolors'

export type Colours = ReturnType<typeof picocolors.createColors>

export const noColours: Colours = picocolors.createColors(false)

/** Colours for a stream, or none: where it is no terminal, and where NO_COLOR asks for none; FORCE_COLOR asks for them. */
export function coloursFor(stream: { readonly isTTY?: boolean }): Colours {
  const { NO_COLOR: none, FORCE_COLOR: forced, TERM: terminal } = process.env
  if (none !== undefined && none !== '') return noColours
  if (forced !== undefined && forced !== '' && forced !== '0') return picocolors.createColors(true)
  return picocolors.createColors(stream.isTTY === true && terminal !== 'dumb')
}
