import { splitList } from './field-syntax.js'

/** The header fields of a head, found by their names in any case, RFC 9110 §5.1. Iterates over the lines in their order. */
export class HeaderFields implements Iterable<readonly [name: string, value: string]> {
  readonly #lines: (readonly [name: string, value: string])[] = []
  readonly #values = new Map<string, string[]>()

  /** Takes names and values in turn, as a RequestHead or a ResponseHead has them. */
  constructor(fields: readonly string[]) {
    for (let at = 0; at + 1 < fields.length; at += 2) {
      const name = fields[at]!.toLowerCase()
      const value = fields[at + 1]!
      this.#lines.push([name, value])
      const values = this.#values.get(name)
      if (values === undefined) this.#values.set(name, [value])
      else values.push(value)
    }
  }

  has(name: string): boolean {
    return this.#values.has(name.toLowerCase())
  }

  /** The values of all lines of that name, joined by a comma, RFC 9110 §5.2. */
  get(name: string): string | undefined {
    return this.#values.get(name.toLowerCase())?.join(', ')
  }

  /** The values of the lines of that name, one each. */
  all(name: string): readonly string[] {
    return this.#values.get(name.toLowerCase()) ?? []
  }

  /** The elements of the list that the lines of that name make up. */
  list(name: string): readonly string[] {
    return splitList(this.get(name) ?? '')
  }

  /** Whether that list has an element, in any case. */
  lists(name: string, element: string): boolean {
    return this.list(name).some((listed) => listed.toLowerCase() === element)
  }

  [Symbol.iterator](): Iterator<readonly [name: string, value: string]> {
    return this.#lines.values()
  }
}
