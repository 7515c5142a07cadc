type Method = (...args: never[]) => unknown

/** Replaces a method of an object, own or inherited, until it is restored. */
export class StandIn<Replaced extends Method> {
  readonly #target: Record<string, Replaced | undefined>
  readonly #name: string
  readonly #make: (replaced: Replaced) => Replaced
  #restore: (() => boolean) | undefined

  /** @param make makes the new method from the replaced one, to which the new one passes on the calls of others */
  constructor(target: object, name: string, make: (replaced: Replaced) => Replaced) {
    this.#target = target as Record<string, Replaced | undefined>
    this.#name = name
    this.#make = make
  }

  /** Replaces the method, unless it is still replaced. Has no effect if the object has no such method. */
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

  /** Restores the method. If other code has replaced ours since, ours stays, and must pass on all calls. */
  end(): void {
    if (this.#restore?.() === true) this.#restore = undefined
  }
}
