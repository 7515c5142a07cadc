/**
 * Characters that a reader can't see or that a terminal obeys: controls (C0, DEL, C1), format characters (bidi
 * controls, zero widths, tags, byte order marks), line and paragraph separators, lone surrogates, and characters that
 * Unicode renders as nothing. Excludes the two selectors between emoji and text style, and a joiner between two emoji.
 */
const unseen =
  /(?=[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}])(?!\ufe0e|\ufe0f)(?!(?<=\p{Extended_Pictographic}|\p{Emoji_Modifier}|\ufe0f)\u200d\p{Extended_Pictographic})./gsu

/** Text that looks like one of our escapes. */
const likeAnEscape = /\\(?=u\{)/g

/** Characters of a peer's value that an error repeats. */
const longestValue = 200

/** Characters of an error's text. */
const longestSentence = 2000

export interface PrintableOptions {
  /**
   * The kind of text:
   * - `value`: a peer's value. Its `\u{` becomes `\u{5c}u{`, so that it can't look like an escape.
   * - `sentence`: contains values that are printable already. Its `\u{` is kept.
   * - `json`: JSON on one line. Escapes have JSON's form, `\u202e`, which every parser reads back.
   * @default 'value'
   */
  readonly as?: 'value' | 'sentence' | 'json'
  /** Keeps tabs and line breaks; removes a CR before an LF. @default false */
  readonly lines?: boolean
  /** The longest result, in UTF-16 code units before escaping. The rest is cut off and counted. @default Infinity */
  readonly maxLength?: number
}

/**
 * Makes a text safe to show in a terminal or to write to a log: each character that is invisible or that a terminal
 * obeys becomes an escape such as `\u{1b}`. The escapes are reversible, except for what `lines` and `maxLength` remove.
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

/** A peer's value for an error's text: on one line, and shortened. */
export function quoted(value: string): string {
  return printable(value, { maxLength: longestValue })
}

/** A value of any kind for an error's text: a text is `quoted`, and objects are named by their kind. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return `"${quoted(value)}"`
  if (typeof value === 'function') return 'a function'
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}

/**
 * Escapes an error's text for logs and terminals. Values of a peer are `quoted` when they are inserted; this covers
 * texts of the system and of callers, which may repeat a peer's value.
 */
export function inSentence(text: string): string {
  return printable(text, { as: 'sentence', maxLength: longestSentence })
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

/** The index, or the one before it if a cut at the index would split a surrogate pair. */
function cutBefore(text: string, at: number): number {
  const isInPair = /^[\ud800-\udbff][\udc00-\udfff]/.test(text.slice(at - 1, at + 1))
  return isInPair ? at - 1 : at
}
