/** The key under which Node, Bun and Deno look for an object's inspection method. */
const inspectKey = Symbol.for('nodejs.util.inspect.custom')

/** Deno looks here first; its own Event and EventTarget have a method under this key. */
const denoInspectKey = Symbol.for('Deno.privateCustomInspect')

interface InspectOptions {
  readonly depth?: number | null | undefined
}

/** The objects of the call that is going on: their members, such as a user's data, may refer to them. */
const beingShown = new Set<object>()

type Inspect = (value: unknown, options: InspectOptions) => string

/**
 * Makes `console.log` and `util.inspect` show an object as its class name and these members, instead of its own
 * properties. Set on a prototype, it applies to all objects of the class. `shownName` replaces the name of a class that
 * users know by an interface.
 */
export function showAs<Target extends object>(
  target: Target,
  members: (shown: Target) => Readonly<Record<string, unknown>>,
  shownName?: string,
): Target {
  function show(this: Target, depth: number | null, options: InspectOptions, inspect?: Inspect): unknown {
    const name = shownName ?? this.constructor.name
    // The prototype is not an instance of its class.
    const isPrototype = Object.hasOwn(this, 'constructor')
    if (isPrototype || (depth !== null && depth < 0)) return `[${name}]`
    if (beingShown.has(this)) return `[Circular ${name}]`
    const shown = members(this)
    if (inspect === undefined) return shown
    beingShown.add(this)
    try {
      return `${name} ${inspect(shown, options)}`
    } finally {
      beingShown.delete(this)
    }
  }
  function showOnDeno(this: Target, inspect: Inspect, options: InspectOptions): unknown {
    return show.call(this, options.depth ?? null, options, inspect)
  }
  Object.defineProperty(target, denoInspectKey, { value: showOnDeno, configurable: true, writable: true })
  return Object.defineProperty(target, inspectKey, { value: show, configurable: true, writable: true })
}
