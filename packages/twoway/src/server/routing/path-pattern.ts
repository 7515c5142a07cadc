import { UsageError } from '../../core/errors.js'
import { quoted } from '../../core/printable.js'
import * as platform from '../platform.js'

/** The parameters of a path, decoded, by their names in the pattern. An optional one that is not in the path is absent. */
export type PathParams = Readonly<Record<string, string>>

/** A piece of a segment: fixed text in the form in which clients send it, or a name. */
type Piece = { readonly text: string } | { readonly name: string }

/** One way to match, without its optional parts: the pieces of each segment, and whether a rest of any length may follow. */
interface Variant {
  readonly segments: readonly (readonly Piece[])[]
  readonly hasRest: boolean
}

/** A character of a pattern, or one of its parts. `slash` belongs to an optional name: `/rooms/:id?` matches `/rooms`. */
type Token =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'name'; readonly name: string; readonly optional: boolean }
  | { readonly kind: 'rest' }
  | { readonly kind: 'group'; readonly tokens: readonly Token[]; readonly optional: boolean }

/** The name of the parameter that `*` makes, as URLPattern numbers unnamed ones. */
const restName = '0'

/** Each optional part doubles the variants. */
const mostOptional = 4

const nameStart = /[\p{ID_Start}$_]/u
const nameRest = /[\p{ID_Continue}$_\u200c\u200d]/u

const allowed =
  'a path has text, :name for a part between two slashes, :name? or {text}? for an optional part, and * at the end for the rest; a backslash takes the next character as text'

/**
 * A path that a handshake must have: the part of the URL standard's URLPattern that needs no regular expressions, so that
 * no path takes long to match. Fixed text is compared as clients send it, percent-encoded; parameters are decoded after
 * the match, so that `%2F` in one does not divide it.
 */
export class PathPattern {
  /** The pattern as it was given. */
  readonly source: string
  /** Whether it has no parameters and no optional parts. */
  readonly isExact: boolean
  /** Equal for patterns that match the same paths and differ only in names. */
  readonly shape: string
  /** Of two patterns, the one that is lower at the first difference is more specific. */
  readonly specificity: readonly number[]
  readonly #variants: readonly Variant[]

  /** Throws a UsageError 'optionInvalid' for a pattern that can't be understood. */
  constructor(source: string) {
    const tokens = new Parser(source).parse()
    this.source = source
    this.#variants = expand(tokens).map(variantOf)
    const [first] = this.#variants
    this.isExact = this.#variants.length === 1 && !first!.hasRest && first!.segments.every((pieces) => !hasName(pieces))
    this.shape = this.#variants.map(shapeOf).join('\n')
    this.specificity = ranksOf(first!)
  }

  /** The parameters of a path that matches; undefined for one that does not. */
  match(path: string): PathParams | undefined {
    const sent = normalPath(path).split('/')
    for (const variant of this.#variants) {
      const params = matchVariant(variant, sent)
      if (params !== undefined) return params
    }
    return undefined
  }
}

/** The parameters of a path without any. */
export const noParams: PathParams = Object.freeze(Object.create(null))

const plainPath = /^[\w/~!$&'()*+,;=:@-]*$/

/** A path as the URL standard has it: without `.` and `..`, so that `request.url` and the match agree. */
function normalPath(path: string): string {
  if (plainPath.test(path)) return path
  const url = `http://localhost${path}`
  return platform.URL.canParse(url) ? new platform.URL(url).pathname : path
}

function matchVariant({ segments, hasRest }: Variant, sent: readonly string[]): PathParams | undefined {
  if (hasRest ? sent.length < segments.length : sent.length !== segments.length) return undefined
  const params: Record<string, string> = Object.create(null)
  for (const [at, pieces] of segments.entries()) {
    const isLast = hasRest && at === segments.length - 1
    const segment = isLast ? sent.slice(at).join('/') : sent[at]!
    if (!matchSegment(pieces, segment, isLast, params)) return undefined
  }
  return Object.freeze(params)
}

/**
 * Each name takes as little as it can, and the last one what is left. One pass is enough: where the first occurrence of a
 * text leads to no match, no later one does.
 */
function matchSegment(
  pieces: readonly Piece[],
  segment: string,
  hasRest: boolean,
  params: Record<string, string>,
): boolean {
  let at = 0
  let open: string | undefined
  for (const [index, piece] of pieces.entries()) {
    if ('name' in piece) {
      open = piece.name
      continue
    }
    const { text } = piece
    const isLast = index === pieces.length - 1 && !hasRest
    const found = open === undefined ? at : isLast ? segment.length - text.length : segment.indexOf(text, at + 1)
    if (found < at || !segment.startsWith(text, found)) return false
    if (open !== undefined && (found === at || !setParam(params, open, segment.slice(at, found)))) return false
    open = undefined
    at = found + text.length
  }
  if (hasRest) return setParam(params, restName, segment.slice(at))
  if (open === undefined) return at === segment.length
  return at < segment.length && setParam(params, open, segment.slice(at))
}

/** Returns false for a value that is no percent-encoded UTF-8. */
function setParam(params: Record<string, string>, name: string, encoded: string): boolean {
  try {
    params[name] = encoded.includes('%') ? decodeURIComponent(encoded) : encoded
    return true
  } catch {
    return false
  }
}

function hasName(pieces: readonly Piece[]): boolean {
  return pieces.some((piece) => 'name' in piece)
}

/** The kinds of segments, the most specific first: text, text with a name, text with a rest, a name, a rest, none. */
function ranksOf({ segments, hasRest }: Variant): number[] {
  const ranks: number[] = segments.map((pieces) => (!hasName(pieces) ? 0 : pieces.length > 1 ? 1 : 3))
  if (hasRest) ranks[ranks.length - 1] = segments.at(-1)!.length > 0 ? 2 : 4
  return [...ranks, 5]
}

function shapeOf({ segments, hasRest }: Variant): string {
  const shapes = segments.map((pieces) => pieces.map((piece) => ('name' in piece ? ':' : piece.text)).join(''))
  return `${shapes.join('/')}${hasRest ? '*' : ''}`
}

/** All sequences of tokens that the optional ones allow, those with more of them first. */
function expand(tokens: readonly Token[]): Token[][] {
  let all: Token[][] = [[]]
  for (const token of tokens) {
    const insides =
      token.kind === 'group' ? expand(token.tokens) : [[token.kind === 'name' ? { ...token, optional: false } : token]]
    const isOptional = (token.kind === 'group' || token.kind === 'name') && token.optional
    const present = all.flatMap((before) => insides.map((inside) => [...before, ...inside]))
    all = isOptional ? [...present, ...all] : present
  }
  return all
}

function variantOf(tokens: readonly Token[]): Variant {
  const segments: Piece[][] = [[]]
  let text = ''
  const endText = (): void => {
    if (text !== '') segments.at(-1)!.push({ text: encodeText(text) })
    text = ''
  }
  let hasRest = false
  for (const token of tokens) {
    if (token.kind === 'text' && token.text !== '/') {
      text += token.text
      continue
    }
    endText()
    if (token.kind === 'text') segments.push([])
    else if (token.kind === 'name') segments.at(-1)!.push({ name: token.name })
    else hasRest = true
  }
  endText()
  return { segments, hasRest }
}

/** Text as clients send it: they percent-encode the characters that a path may not have. */
function encodeText(text: string): string {
  const escaped = text.replaceAll(/[?#\\]/g, (character) => encodeURIComponent(character))
  const { pathname } = new platform.URL(`http://localhost/_${escaped}`)
  return pathname.slice('/_'.length)
}

/** Reads a pattern from left to right. */
class Parser {
  readonly #source: string
  readonly #characters: readonly string[]
  readonly #names = new Set<string>()
  #at = 0
  #optional = 0

  constructor(source: string) {
    this.#source = source
    this.#characters = [...source]
  }

  parse(): readonly Token[] {
    if (this.#characters[0] !== '/') throw this.#wrong('it must begin with a slash')
    if (/\/\.\.?(?:\/|$)/.test(this.#source)) throw this.#wrong('clients take "." and ".." out of a path')
    const tokens = this.#tokens(false)
    if (this.#at < this.#characters.length) throw this.#wrong('"}" closes no group')
    if (this.#optional > mostOptional) throw this.#wrong(`it has more than ${mostOptional} optional parts`)
    return tokens
  }

  #tokens(isGroup: boolean): Token[] {
    const tokens: Token[] = []
    while (this.#at < this.#characters.length) {
      const character = this.#characters[this.#at]!
      if (character === '}') return tokens
      this.#at++
      const previous = tokens.at(-1)
      if (character === ':') {
        const name = this.#name()
        if (previous?.kind === 'name') throw this.#wrong(`:${name} follows another name without text between them`)
        const optional = this.#isOptional()
        // The slash before an optional name is optional with it.
        if (optional && previous?.kind === 'text' && previous.text === '/' && tokens.length > 1) {
          tokens[tokens.length - 1] = {
            kind: 'group',
            tokens: [previous, { kind: 'name', name, optional: false }],
            optional,
          }
        } else tokens.push({ kind: 'name', name, optional })
      } else if (character === '*') {
        if (isGroup || this.#at < this.#characters.length) throw this.#wrong('"*" must be its last character')
        if (previous?.kind === 'name') throw this.#wrong('"*" follows a name without text between them')
        tokens.push({ kind: 'rest' })
      } else if (character === '{') {
        if (isGroup) throw this.#wrong('a group is within another')
        const inside = this.#tokens(true)
        if (this.#characters[this.#at++] !== '}') throw this.#wrong('a group is not closed')
        tokens.push({ kind: 'group', tokens: inside, optional: this.#isOptional() })
      } else tokens.push({ kind: 'text', text: this.#text(character) })
    }
    return tokens
  }

  #text(character: string): string {
    if (character === '(' || character === ')') throw this.#wrong('it has a regular expression')
    if (character === '+') throw this.#wrong('"+" is a repetition; a "+" of the path is written "\\+"')
    if (character === '?') throw this.#wrong('"?" follows no name and no group, and a path has no query')
    if (character === '#') throw this.#wrong('a path has no fragment')
    if (character !== '\\') return character
    const escaped = this.#characters[this.#at++]
    if (escaped === undefined) throw this.#wrong('it ends with a backslash')
    return escaped
  }

  #name(): string {
    let name = ''
    for (let next = this.#characters[this.#at]; next !== undefined; next = this.#characters[this.#at]) {
      if (!(name === '' ? nameStart : nameRest).test(next)) break
      name += next
      this.#at++
    }
    if (name === '') throw this.#wrong('":" stands before no name')
    if (this.#names.has(name)) throw this.#wrong(`the name ${name} occurs twice`)
    this.#names.add(name)
    return name
  }

  #isOptional(): boolean {
    const next = this.#characters[this.#at]
    if (next === '+' || next === '*') throw this.#wrong(`"${next}" is a repetition`)
    if (next !== '?') return false
    this.#at++
    this.#optional++
    return true
  }

  #wrong(why: string): UsageError {
    return new UsageError(
      'optionInvalid',
      `the option path must be a path or a pattern, not "${quoted(this.#source)}": ${why}; ${allowed}`,
    )
  }
}
