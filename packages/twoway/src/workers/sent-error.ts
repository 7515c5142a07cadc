import { isError } from '../core/value-kinds.js'

/** An error as it is sent between processes. */
export interface SentError {
  readonly name: string
  readonly message: string
  readonly code?: string | undefined
  readonly stack?: string | undefined
}

export function sentError(error: unknown): SentError {
  if (!isError(error)) return { name: 'Error', message: String(error) }
  const { name, message, stack, code } = error as Error & { readonly code?: unknown }
  return { name, message, stack, ...(typeof code === 'string' ? { code } : {}) }
}

/** The error that was sent, as an Error of this process. */
export function receivedError({ message, ...rest }: SentError): Error {
  return Object.assign(new Error(message), rest)
}
