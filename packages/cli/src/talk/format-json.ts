import { printable } from 'twoway'
import type { Colours } from '../colours.js'

const deepest = 64
const tokens = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g

/**
 * Indents and colours JSON. Returns undefined for text that is not a JSON object or array, or that is nested so deeply
 * that most of the result would be indentation. Tokens are made printable but otherwise unchanged: numbers too long for
 * JavaScript and duplicate names are shown, not repaired.
 */
export function formatJson(text: string, colours: Colours): string | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined
  try {
    JSON.parse(text)
  } catch {
    return undefined
  }
  const all = text.match(tokens) ?? []
  let depth = 0
  let formatted = ''
  for (const [index, token] of all.entries()) {
    const next = all[index + 1]
    const isEmpty = next === (token === '{' ? '}' : ']')
    if (token === '{' || token === '[') {
      depth += 1
      if (depth > deepest) return undefined
      formatted += isEmpty ? token : `${token}\n${'  '.repeat(depth)}`
    } else if (token === '}' || token === ']') {
      depth -= 1
      const wasEmpty = all[index - 1] === (token === '}' ? '{' : '[')
      formatted += wasEmpty ? token : `\n${'  '.repeat(depth)}${token}`
    } else if (token === ',') {
      formatted += `,\n${'  '.repeat(depth)}`
    } else if (token === ':') {
      formatted += ': '
    } else {
      formatted += colourOf(token, next, colours)
    }
  }
  return formatted
}

function colourOf(token: string, next: string | undefined, colours: Colours): string {
  // Before it is coloured, because colours are control characters too.
  const text = printable(token)
  if (!token.startsWith('"')) return colours.magenta(text)
  return next === ':' ? colours.cyan(text) : colours.green(text)
}
