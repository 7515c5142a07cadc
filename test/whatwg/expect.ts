/** Fails unless the two are the same: primitives by value, arrays and plain objects by what they hold. */
export function same(actual: unknown, expected: unknown, what = ''): void {
  if (Object.is(actual, expected)) return
  const [left, right] = [shown(actual), shown(expected)]
  const isPlain = typeof expected === 'object' && expected !== null
  if (isPlain && left === right) return
  throw new Error(`${what === '' ? '' : `${what}: `}${left} in place of ${right}`)
}

export function holds(condition: boolean, what: string): void {
  if (!condition) throw new Error(`it does not hold that ${what}`)
}

/** Fails unless the call throws a DOMException of this name. */
export function throwsDom(name: string, call: () => unknown): void {
  const error = thrownBy(call)
  holds(error instanceof DOMException && error.name === name, `${shown(String(error))} is a ${name} DOMException`)
}

export function throwsTypeError(call: () => unknown): void {
  const error = thrownBy(call)
  holds(error instanceof TypeError, `${shown(String(error))} is a TypeError`)
}

function thrownBy(call: () => unknown): unknown {
  try {
    call()
  } catch (error) {
    return error
  }
  return 'nothing that was thrown'
}

function shown(value: unknown): string {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : `${typeof value} ${String(value)}`
}
