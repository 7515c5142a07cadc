import { showAs } from '../inspection.js'
import { isSameText, splitList } from './field-syntax.js'

/** The header fields of a head, found by name in any case, RFC 9110 §5.1. Iterates over the lines in order. */
export class HeaderFields implements Iterable<readonly [name: string, value: string]> {
  /** Names and values in turn: a flat array, as each connection keeps the fields of its handshake. */
  readonly #fields: readonly string[]
  readonly #key: string | undefined

  /**
   * Takes names and values in turn, as RequestHead and ResponseHead have them.
   * @param key the Sec-WebSocket-Key of these fields, if they are those of other handshakes: they are shared then
   */
  constructor(fields: readonly string[], key?: string) {
    // A copy has no spare capacity; up to half of a grown array is.
    this.#fields = key === undefined ? fields.slice() : fields
    this.#key = key
  }

  has(name: string): boolean {
    return findField(this.#fields, name) >= 0
  }

  /** The values of all lines with a name, joined by commas, RFC 9110 §5.2. */
  get(name: string): string | undefined {
    const first = findField(this.#fields, name)
    if (first < 0) return undefined
    let joined = this.#valueAt(first)
    for (let at = findField(this.#fields, name, first + 2); at >= 0; at = findField(this.#fields, name, at + 2)) {
      joined += `, ${this.#valueAt(at)}`
    }
    return joined
  }

  /** The value of each line with a name. */
  all(name: string): readonly string[] {
    const values: string[] = []
    for (let at = findField(this.#fields, name); at >= 0; at = findField(this.#fields, name, at + 2))
      values.push(this.#valueAt(at))
    return values
  }

  /** The value of each Set-Cookie line, as in the platform's Headers. They can't be joined, RFC 6265 §3. */
  getSetCookie(): string[] {
    return this.all('set-cookie').slice()
  }

  /** The elements of the list that the lines with a name form. */
  list(name: string): readonly string[] {
    return splitList(this.get(name) ?? '')
  }

  /** Whether that list contains an element, in any case. */
  lists(name: string, element: string): boolean {
    const value = this.get(name)
    if (value === undefined) return false
    return isSameText(value, element) || splitList(value).some((listed) => isSameText(listed, element))
  }

  /** For `JSON.stringify`: the values by name; a list where a name has several lines. May hold cookies and credentials. */
  toJSON(): Readonly<Record<string, string | readonly string[]>> {
    return byName(this)
  }

  *[Symbol.iterator](): Iterator<readonly [name: string, value: string]> {
    for (let at = 0; at < this.#fields.length; at += 2) yield [this.#fields[at]!.toLowerCase(), this.#valueAt(at)]
  }

  /** The value of the line whose name has this index. */
  #valueAt(at: number): string {
    if (this.#key !== undefined && isSameText(this.#fields[at]!, 'sec-websocket-key')) return this.#key
    return this.#fields[at + 1]!
  }
}

showAs(HeaderFields.prototype, byName)

function byName(headers: HeaderFields): Record<string, string | readonly string[]> {
  const shown: Record<string, string | readonly string[]> = Object.create(null)
  for (const [name] of headers) {
    const values = headers.all(name)
    shown[name] = values.length === 1 ? values[0]! : values
  }
  return { ...shown }
}

/** The index of the next field with a name among names and values in turn, or -1. */
export function findField(fields: readonly string[], name: string, from = 0): number {
  for (let at = from; at < fields.length; at += 2) if (isSameText(fields[at]!, name)) return at
  return -1
}
