/** The key under which Node, Bun and Deno look for how an object is shown. */
const inspectKey = Symbol.for('nodejs.util.inspect.custom')

/** Deno looks here first, and its own Event and EventTarget have a method there. */
const denoInspectKey = Symbol.for('Deno.privateCustomInspect')

interface InspectOptions {
  readonly depth?: number | null | undefined
}

type Inspect = (value: unknown, options: InspectOptions) => string

/**
 * Has `console.log` and `util.inspect` show an object by the name of its class and these members, in place of what it
 * happens to be made of. On a class's prototype, it holds for each of its objects.
 */
export function showAs<Target extends object>(
  target: Target,
  members: (shown: Target) => Readonly<Record<string, unknown>>,
): Target {
  function show(this: Target, depth: number | null, options: InspectOptions, inspect?: Inspect): unknown {
    const { name } = this.constructor
    // The prototype itself is no object of its class.
    const isPrototype = Object.hasOwn(this, 'constructor')
    if (isPrototype || (depth !== null && depth < 0)) return `[${name}]`
    const shown = members(this)
    return inspect === undefined ? shown : `${name} ${inspect(shown, options)}`
  }
  function showOnDeno(this: Target, inspect: Inspect, options: InspectOptions): unknown {
    return show.call(this, options.depth ?? null, options, inspect)
  }
  Object.defineProperty(target, denoInspectKey, { value: showOnDeno, configurable: true, writable: true })
  return Object.defineProperty(target, inspectKey, { value: show, configurable: true, writable: true })
}
