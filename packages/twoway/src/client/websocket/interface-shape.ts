/**
 * Gives a class the properties of a WebIDL interface: its members are enumerable, unlike those of a class, and its objects
 * have a `Symbol.toStringTag`.
 */
export function shapeAsInterface({ name, prototype }: { readonly name: string; readonly prototype: object }): void {
  for (const member of Object.getOwnPropertyNames(prototype)) {
    if (member !== 'constructor') Object.defineProperty(prototype, member, { enumerable: true })
  }
  Object.defineProperty(prototype, Symbol.toStringTag, { value: name, configurable: true })
}
