export interface CodeToken {
  readonly kind: 'keyword' | 'string' | 'number' | 'name' | 'plain'
  readonly text: string
}

/** The tokens of a snippet that get colours of their own; joined, they are the code. */
const grammar =
  /(?<string>'(?:[^'\\\n]|\\.)*')|(?<keyword>\b(?:import|from|const|let|new|await|async|return|if|for)\b)|(?<number>\b\d[\d_.]*\b)|(?<name>\b[A-Za-z]\w*(?=\())/g

export function codeTokens(code: string): CodeToken[] {
  const tokens: CodeToken[] = []
  let end = 0
  for (const match of code.matchAll(grammar)) {
    if (match.index > end) tokens.push({ kind: 'plain', text: code.slice(end, match.index) })
    const [kind] = Object.entries(match.groups!).find(([, text]) => text !== undefined)!
    tokens.push({ kind: kind as CodeToken['kind'], text: match[0] })
    end = match.index + match[0].length
  }
  if (end < code.length) tokens.push({ kind: 'plain', text: code.slice(end) })
  return tokens
}
