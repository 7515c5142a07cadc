type Method = (...args: never[]) => unknown

/** A method of ours in place of an object's own or inherited one, for as long as it is wanted. */
export class StandIn<Replaced extends Method> {
  readonly #target: Record<string, Replaced | undefined>
  readonly #name: string
  readonly #make: (replaced: Replaced) => Replaced
  #restore: (() => boolean) | undefined

  /** @param make makes the method of what it replaces, to which it passes all on that is not for it */
  constructor(target: object, name: string, make: (replaced: Replaced) => Replaced) {
    this.#target = target as Record<string, Replaced | undefined>
    this.#name = name
    this.#make = make
  }

  /** Puts it in place, unless it is there still. Without effect where the object has no such method. */
  begin(): void {
    const replaced = this.#target[this.#name]
    if (this.#restore !== undefined || replaced === undefined) return
    const isOwn = Object.hasOwn(this.#target, this.#name)
    const ours = this.#make(replaced)
    this.#target[this.#name] = ours
    this.#restore = () => {
      if (this.#target[this.#name] !== ours) return false
      if (isOwn) this.#target[this.#name] = replaced
      else delete this.#target[this.#name]
      return true
    }
  }

  /** Takes it away. Where someone else stands in place of it since, it stays, and must let all pass. */
  end(): void {
    if (this.#restore?.() === true) this.#restore = undefined
  }
}
