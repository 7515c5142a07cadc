/**
 * Gives a class the look that WebIDL gives an interface: its members can be enumerated, where those of a class can't,
 * and its objects say what they are.
 */
export function shapeAsInterface({ name, prototype }: { readonly name: string; readonly prototype: object }): void {
  for (const member of Object.getOwnPropertyNames(prototype)) {
    if (member !== 'constructor') Object.defineProperty(prototype, member, { enumerable: true })
  }
  Object.defineProperty(prototype, Symbol.toStringTag, { value: name, configurable: true })
}
