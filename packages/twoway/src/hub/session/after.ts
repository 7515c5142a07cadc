import { isThenable } from '../../core/is-thenable.js'

/** Goes on with a value at once, or with that of a promise when it is there. */
export function after<Value, Next>(
  value: Value | Promise<Value>,
  next: (value: Value) => Next | Promise<Next>,
): Next | Promise<Next> {
  return isThenable(value) ? Promise.resolve(value as Promise<Value>).then(next) : next(value)
}
