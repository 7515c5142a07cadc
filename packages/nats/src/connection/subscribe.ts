import type { Msg, NatsConnection } from '@nats-io/nats-core'
import { permissionError } from './permission-error.js'

/**
 * Subscribes to subjects. Rejects if the user may not.
 * @param report is called with an error that a callback throws: the client would end its connection for it
 */
export async function subscribe(
  connection: NatsConnection,
  callbacks: Readonly<Record<string, (message: Msg) => void>>,
  report: (error: unknown) => void,
): Promise<() => void> {
  let refused: Error | undefined
  const subscriptions = Object.entries(callbacks).map(([subject, callback]) =>
    connection.subscribe(subject, {
      callback(error, message) {
        if (error) refused ??= permissionError(error) ?? error
        else guarded(report, () => callback(message))
      },
    }),
  )
  const end = (): void => {
    for (const subscription of subscriptions) subscription.unsubscribe()
  }
  try {
    // The server refuses a subscription before it answers.
    await connection.flush()
    if (refused !== undefined) throw refused
  } catch (error) {
    end()
    throw error
  }
  return end
}

/** Calls a function, and reports an error that it throws. */
export function guarded(report: (error: unknown) => void, call: () => void): void {
  try {
    call()
  } catch (error) {
    try {
      report(error)
    } catch {
      // The report is the caller's code as well.
    }
  }
}
