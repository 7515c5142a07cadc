/**
 * Names of topics, in the words of NATS: tokens joined by dots, such as `room.42`. In a pattern the token `*` stands for
 * any one token, and a last token `>` for one or more. The characters of the two stand nowhere else.
 */

/** A pattern can match as many paths of a trie as 2 to the power of its tokens; so these are few. */
export const maxTokens = 16

/** The length that a name may have without a limit of its own, in UTF-16 units. */
export const maxNameLength = 255

/** A name that one broker takes must be good for all: no space, no control character, no wildcard within a token. */
const token = /^[^\s\p{Cc}*>.]+$/u

/** The fault of a topic's name; undefined for a good one. */
export function faultOfTopic(name: unknown, maxLength = maxNameLength): string | undefined {
  return faultOf(name, maxLength, false)
}

/** The fault of a topic or a pattern; undefined for a good one. */
export function faultOfPattern(pattern: unknown, maxLength = maxNameLength): string | undefined {
  return faultOf(pattern, maxLength, true)
}

/** Whether a name that has no fault has wildcards. */
export function isPattern(name: string): boolean {
  return /[*>]/.test(name)
}

/** Whether a pattern matches a topic. Both must have no fault. */
export function matches(pattern: string, topic: string): boolean {
  const wanted = pattern.split('.')
  const tokens = topic.split('.')
  return (
    (pattern.endsWith('>') || tokens.length === wanted.length) &&
    wanted.every((want, index) => want === tokens[index] || (index < tokens.length && isPattern(want)))
  )
}

function faultOf(name: unknown, maxLength: number, mayHaveWildcards: boolean): string | undefined {
  if (typeof name !== 'string') return `a topic must be a string, not ${name === null ? 'null' : typeof name}`
  if (name === '') return 'a topic must not be empty'
  if (name.length > maxLength) return `a topic has at most ${maxLength} characters, not ${name.length}`
  const tokens = name.split('.')
  if (tokens.length > maxTokens) return `a topic has at most ${maxTokens} tokens, not ${tokens.length}`
  for (const [index, part] of tokens.entries()) {
    if (token.test(part)) continue
    if (part === '') return 'a topic is a list of tokens joined by single dots, such as room.42'
    const isWildcard = part === '*' || (part === '>' && index === tokens.length - 1)
    if (isWildcard && mayHaveWildcards) continue
    if (isWildcard) return 'this needs the name of one topic: * and > stand in patterns only'
    if (part === '>') return '> can only be the last token of a pattern'
    if (/[*>]/.test(part)) return '* and > must be a whole token, such as room.*'
    return 'a topic must not contain spaces or control characters'
  }
  return undefined
}
