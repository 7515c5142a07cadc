/**
 * What a reader does not see, or a terminal obeys: controls (C0, DEL, C1), format characters (bidi controls, zero
 * widths, tags, byte order marks), separators of lines and paragraphs, lone surrogates, and what Unicode shows as nothing.
 * Not the two selectors that tell an emoji from a text, nor a joiner between two emoji.
 */
const unseen =
  /(?=[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}])(?!\ufe0e|\ufe0f)(?!(?<=\p{Extended_Pictographic}|\p{Emoji_Modifier}|\ufe0f)\u200d\p{Extended_Pictographic})./gsu

/** What would read as an escape of ours, and stands in the text itself. */
const likeAnEscape = /\\(?=u\{)/g

/** Characters of a peer's value that an error repeats. */
const longestValue = 200

export interface PrintableOptions {
  /**
   * What the text is:
   * - `value`: something of a peer's. A `\u{` in it is written `\u{5c}u{`, so that it can't pass for an escape.
   * - `sentence`: has values in it that are printable already. Its own `\u{` stays.
   * - `json`: JSON on one line. Escapes are those of JSON, `\u202e`, which every parser reads back.
   * @default 'value'
   */
  readonly as?: 'value' | 'sentence' | 'json'
  /** Keeps tabs and line breaks; a CR before an LF goes. @default false */
  readonly lines?: boolean
  /** The longest text, in UTF-16 code units before escaping; the rest is cut off and counted. @default Infinity */
  readonly maxLength?: number
}

/**
 * A text that is safe to show in a terminal or to write to a log: each character that is not seen, or that a terminal
 * obeys, becomes an escape such as `\u{1b}`. The text can be had back from it, but for what `lines` and `maxLength` drop.
 */
export function printable(text: string, options: PrintableOptions = {}): string {
  const { as = 'value', lines = false, maxLength = Number.POSITIVE_INFINITY } = options
  let shown = text.length > maxLength ? text.slice(0, cutBefore(text, maxLength)) : text
  const rest = text.length - shown.length
  if (lines) shown = shown.replaceAll('\r\n', '\n')
  if (as === 'value') shown = shown.replace(likeAnEscape, escapeOf)
  const escaped = shown.replace(unseen, (character) => {
    if (lines && (character === '\n' || character === '\t')) return character
    return as === 'json' ? escapeForJson(character) : escapeOf(character)
  })
  return rest === 0 ? escaped : `${escaped}… and ${rest} more characters`
}

/** A peer's value as an error's text repeats it: on one line, and not at length. */
export function quoted(value: string): string {
  return printable(value, { maxLength: longestValue })
}

function escapeOf(character: string): string {
  return `\\u{${character.codePointAt(0)!.toString(16)}}`
}

function escapeForJson(character: string): string {
  let escapes = ''
  for (let at = 0; at < character.length; at++) {
    escapes += `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`
  }
  return escapes
}

/** Where to cut, so that no surrogate pair is cut in two. */
function cutBefore(text: string, at: number): number {
  const isInPair = /^[\ud800-\udbff][\udc00-\udfff]/.test(text.slice(at - 1, at + 1))
  return isInPair ? at - 1 : at
}
