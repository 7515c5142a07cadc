import type { Colours } from '../colours.js'

const tokens = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g

/**
 * JSON indented and coloured, or undefined for what is no JSON object or array. The tokens stay as they came: numbers
 * too long for JavaScript, and names that are there twice, are shown and not repaired.
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
  if (!token.startsWith('"')) return colours.magenta(token)
  return next === ':' ? colours.cyan(token) : colours.green(token)
}
