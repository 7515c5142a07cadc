/** The text indented if it is a JSON object or array; otherwise undefined. */
export function prettyJson(text: string): string | undefined {
  // A bare number or word is JSON too, but indenting changes nothing.
  if (!/^\s*[[{]/.test(text)) return undefined
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2)
  } catch {
    return undefined
  }
}
