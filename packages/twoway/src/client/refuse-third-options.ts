import { UsageError } from '../core/usage-error.js'

/** Refuses options as the third argument, where `ws` takes them: they would be lost silently. Other values are ignored. */
export function refuseThirdOptions(third: unknown, className: string): void {
  if (typeof third !== 'object' || third === null) return
  throw new UsageError(
    'optionInvalid',
    `a ${className} takes its options as the second argument, not the third: write new ${className}(url, { protocols, ...options })`,
  )
}
