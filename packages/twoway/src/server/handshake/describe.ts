import { quoted } from '../../core/printable.js'

/** Names the kind of a value that a handler returned, for an error. TypeScript refuses such handlers. */
export function describe(value: unknown): string {
  if (typeof value === 'string') return `the text "${quoted(value)}"`
  if (typeof value === 'function' || typeof value === 'symbol') return `a ${typeof value}`
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}
