import { showAs } from '../inspection.js'
import { isSameText, splitList } from './field-syntax.js'

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
    return findField(this.#fields, name) >= 0
  }

  /** The values of all lines of that name, joined by a comma, RFC 9110 §5.2. */
  get(name: string): string | undefined {
    const first = findField(this.#fields, name)
    if (first < 0) return undefined
    let joined = this.#fields[first + 1]!
    for (let at = findField(this.#fields, name, first + 2); at >= 0; at = findField(this.#fields, name, at + 2)) {
      joined += `, ${this.#fields[at + 1]!}`
    }
    return joined
  }

  /** The values of the lines of that name, one each. */
  all(name: string): readonly string[] {
    const values: string[] = []
    for (let at = findField(this.#fields, name); at >= 0; at = findField(this.#fields, name, at + 2))
      values.push(this.#fields[at + 1]!)
    return values
  }

  /** The values of the Set-Cookie lines, one each, as of the platform's Headers: they can't be joined, RFC 6265 §3. */
  getSetCookie(): string[] {
    return this.all('set-cookie').slice()
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

showAs(HeaderFields.prototype, (headers) => {
  const shown: Record<string, unknown> = Object.create(null)
  for (const [name] of headers) {
    const values = headers.all(name)
    shown[name] = values.length === 1 ? values[0] : values
  }
  return { ...shown }
})

/** Where the next field of that name is among names and values in turn, from a place on; -1 where there is none. */
export function findField(fields: readonly string[], name: string, from = 0): number {
  for (let at = from; at < fields.length; at += 2) if (isSameText(fields[at]!, name)) return at
  return -1
}
