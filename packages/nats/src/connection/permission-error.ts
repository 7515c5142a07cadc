import { PermissionViolationError } from '@nats-io/nats-core'

/** The error for a subject that the server refuses to the user; undefined if the server refused something else. */
export function permissionError(error: unknown): Error | undefined {
  for (let each = error; each instanceof Error; each = each.cause) {
    if (!(each instanceof PermissionViolationError)) continue
    const { operation, subject } = each
    const permission = operation === 'publish' ? 'publish' : 'subscribe'
    return new Error(
      `the user of the connection to NATS may not ${permission} to "${subject}": it takes a permission to ${permission} there (${each.message})`,
      { cause: each },
    )
  }
  return undefined
}
