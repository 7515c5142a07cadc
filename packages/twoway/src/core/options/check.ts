/** The things that a number counts. An error names them: "a whole number of bytes". */
export type Unit =
  | 'bits'
  | 'bytes'
  | 'milliseconds'
  | 'bytes per second'
  | 'messages per second'
  | 'handshakes per second'
  | 'connections'
  | 'header fields'
  | 'processes'
  | 'redirects'
  | 'requests'
  | 'topics'
  | 'messages'
  | 'members'
  | 'characters'

/** The rule for the value of one option. */
export interface Check<Value> {
  /** The rule in words that complete "the option x must be". */
  readonly expected: string
  /** Undefined where the value counts nothing. */
  readonly unit?: Unit | undefined
  /** Whether errors leave the value out: it may hold a key or a password. */
  readonly isSecret?: boolean | undefined
  /** The check of a list's elements, so that an error can name the wrong one. */
  readonly element?: Check<unknown> | undefined
  /** The good value that a wrong one stands for, if that is clear. */
  readonly correct?: ((value: unknown) => unknown) | undefined
  accepts(value: unknown): value is Value
}

/** Takes what a predicate takes; for rules that the other checks can't express. */
export function matching<Value>(expected: string, accepts: (value: unknown) => boolean): Check<Value> {
  return { expected, accepts: accepts as Check<Value>['accepts'] }
}

/** Takes integers within bounds, both included. */
export function integer(least: number, most: number, unit?: Unit): Check<number> {
  const range =
    most < Number.MAX_SAFE_INTEGER ? `from ${least} to ${most}` : least === 1 ? 'above 0' : `from ${least} on`
  const expected = unit === undefined ? `an integer ${range}` : `a whole number of ${unit} ${range}`
  const isWithin = (value: unknown) => Number.isInteger(value) && Number(value) >= least && Number(value) <= most
  return { ...matching<number>(expected, isWithin), unit }
}

/** Takes integers above 0. */
export function count(unit?: Unit): Check<number> {
  return integer(1, Number.POSITIVE_INFINITY, unit)
}

/** Takes integers above 0, and Infinity for no limit. */
export function countOrInfinity(unit?: Unit): Check<number> {
  return {
    ...either(
      count(unit),
      matching<number>('Infinity', (value) => value === Number.POSITIVE_INFINITY),
    ),
    unit,
  }
}

/** Takes true and false. */
export function flag(): Check<boolean> {
  return oneOf(true, false)
}

/** Takes the values of a list. */
export function oneOf<const Value extends string | number | boolean>(...values: readonly Value[]): Check<Value> {
  const names = values.map((value) => (typeof value === 'string' ? `'${value}'` : String(value)))
  const last = names.pop()
  return matching(names.length === 0 ? `${last}` : `${names.join(', ')} or ${last}`, (value) =>
    values.includes(value as Value),
  )
}

/** Takes strings. */
export function text(expected = 'a string'): Check<string> {
  return matching(expected, (value) => typeof value === 'string')
}

/** Takes arrays whose elements the check takes; `elements` names these in the plural. */
export function listOf<Value>(check: Check<Value>, elements: string): Check<readonly Value[]> {
  return {
    ...matching<readonly Value[]>(
      `a list of ${elements}`,
      (value) => Array.isArray(value) && value.every((each) => check.accepts(each)),
    ),
    element: check,
  }
}

/** Takes what one of two checks takes. */
export function either<One, Other>(one: Check<One>, other: Check<Other>): Check<One | Other> {
  return {
    ...matching<One | Other>(
      `${one.expected}, or ${other.expected}`,
      (value) => one.accepts(value) || other.accepts(value),
    ),
    element: one.element ?? other.element,
  }
}

/** Takes functions. Their parameters are the compiler's to check. */
export function callable<Value>(expected = 'a function'): Check<Value> {
  return matching(expected, (value) => typeof value === 'function')
}

/** Takes objects, but no functions. */
export function object<Value>(expected = 'an object'): Check<Value> {
  return matching(expected, (value) => typeof value === 'object' && value !== null)
}

/** Keeps the value out of errors. */
export function secret<Value>(check: Check<Value>): Check<Value> {
  return { ...check, isSecret: true }
}
