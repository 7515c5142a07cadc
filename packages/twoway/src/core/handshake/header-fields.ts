import { splitList } from './field-syntax.js'

/** The header fields of a head, found by their names in any case, RFC 9110 §5.1. Iterates over the lines in their order. */
export class HeaderFields implements Iterable<readonly [name: string, value: string]> {
  /** Names and values in turn: as few objects as can be, since each connection keeps its handshake's. */
  readonly #fields: readonly string[]

  /** Takes names and values in turn, as a RequestHead or a ResponseHead has them. */
  constructor(fields: readonly string[]) {
    // A copy has no room for more, half of which an array that grew is.
    this.#fields = fields.slice()
  }

  has(name: string): boolean {
    return placeOf(name, this.#fields, 0) >= 0
  }

  /** The values of all lines of that name, joined by a comma, RFC 9110 §5.2. */
  get(name: string): string | undefined {
    const first = placeOf(name, this.#fields, 0)
    if (first < 0) return undefined
    let joined = this.#fields[first + 1]!
    for (let at = placeOf(name, this.#fields, first + 2); at >= 0; at = placeOf(name, this.#fields, at + 2)) {
      joined += `, ${this.#fields[at + 1]!}`
    }
    return joined
  }

  /** The values of the lines of that name, one each. */
  all(name: string): readonly string[] {
    const values: string[] = []
    for (let at = placeOf(name, this.#fields, 0); at >= 0; at = placeOf(name, this.#fields, at + 2))
      values.push(this.#fields[at + 1]!)
    return values
  }

  /** The elements of the list that the lines of that name make up. */
  list(name: string): readonly string[] {
    return splitList(this.get(name) ?? '')
  }

  /** Whether that list has an element, in any case. */
  lists(name: string, element: string): boolean {
    const value = this.get(name)
    if (value === undefined) return false
    return isSameText(value, element) || splitList(value).some((listed) => isSameText(listed, element))
  }

  *[Symbol.iterator](): Iterator<readonly [name: string, value: string]> {
    for (let at = 0; at < this.#fields.length; at += 2) yield [this.#fields[at]!.toLowerCase(), this.#fields[at + 1]!]
  }
}

/** Where the next field of that name is, from a place on; -1 where there is none. */
function placeOf(name: string, fields: readonly string[], from: number): number {
  for (let at = from; at < fields.length; at += 2) if (isSameText(fields[at]!, name)) return at
  return -1
}

/**
 * Whether two texts are the same but for the case of letters of ASCII. Letter by letter, as texts in lower case would be
 * made for each field that a rule passes over.
 */
export function isSameText(one: string, other: string): boolean {
  if (one.length !== other.length) return false
  for (let at = 0; at < one.length; at += 1) {
    if (inLowerCase(one.charCodeAt(at)) !== inLowerCase(other.charCodeAt(at))) return false
  }
  return true
}

function inLowerCase(octet: number): number {
  return octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet
}
