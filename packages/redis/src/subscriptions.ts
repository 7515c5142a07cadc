/** The subscriptions of a process: Redis gets one for each channel or pattern, however many listeners there are. */
export class Subscriptions<Listener> {
  readonly #begin: (name: string, listeners: ReadonlySet<Listener>) => Promise<void>
  readonly #end: (name: string) => Promise<void>
  readonly #shared = new Map<string, Shared<Listener>>()

  constructor(
    begin: (name: string, listeners: ReadonlySet<Listener>) => Promise<void>,
    end: (name: string) => Promise<void>,
  ) {
    this.#begin = begin
    this.#end = end
  }

  /** Adds a listener; the first one subscribes, and the last one to leave unsubscribes. Resolves to a function that leaves. */
  async join(name: string, listener: Listener): Promise<() => void> {
    const all = this.#shared
    // One that ends is waited for, or its end would come behind the new beginning.
    for (let ending = all.get(name)?.ending; ending !== undefined; ending = all.get(name)?.ending) await ending
    let shared = all.get(name)
    if (shared === undefined) {
      const listeners = new Set<Listener>()
      shared = { listeners, begun: this.#begin(name, listeners), ending: undefined }
      all.set(name, shared)
      shared.begun.catch(() => all.delete(name))
    }
    const own = shared
    own.listeners.add(listener)
    await own.begun
    return () => {
      if (!own.listeners.delete(listener) || own.listeners.size > 0 || all.get(name) !== own) return
      own.ending = this.#end(name)
        .catch(() => undefined)
        .finally(() => all.delete(name))
    }
  }
}

interface Shared<Listener> {
  readonly listeners: Set<Listener>
  readonly begun: Promise<void>
  ending: Promise<void> | undefined
}
