export interface SocketIoOptions {
  /**
   * The first part of the topics' names. Clusters that share a broker need different ones.
   * @default 'socket-io'
   */
  readonly prefix?: string | undefined
  /**
   * Messages of a namespace that each node keeps in memory, to recover the connections of clients that come back. More than the
   * broker's `historyCount` is never needed. Without `connectionStateRecovery` of Socket.IO none are kept.
   * @default 10_000
   */
  readonly recoveryCount?: number | undefined
  /**
   * Bytes of these messages.
   * @default 67_108_864 (64 MiB)
   */
  readonly recoveryBytes?: number | undefined
  /**
   * Milliseconds between two signs of life of a node.
   * @default 5_000
   */
  readonly heartbeatInterval?: number | undefined
  /**
   * Milliseconds after the last sign of life of a node, after which no other node waits for its answers.
   * @default 10_000
   */
  readonly heartbeatTimeout?: number | undefined
  /**
   * Called when the broker takes no topic or stores no message.
   * @default `console.error`
   */
  readonly error?: ((error: unknown) => void) | undefined
}

export type SocketIoSettings = { readonly [Name in keyof SocketIoOptions]-?: NonNullable<SocketIoOptions[Name]> }

/** The options with their defaults. Throws a TypeError for those that can't be used. */
export function settingsOf(options: SocketIoOptions, report: (error: unknown) => void): SocketIoSettings {
  const {
    prefix = 'socket-io',
    recoveryCount = 10_000,
    recoveryBytes = 64 * 1024 * 1024,
    heartbeatInterval = 5000,
    heartbeatTimeout = 10_000,
    error = report,
  } = options
  const numbers = { recoveryCount, recoveryBytes, heartbeatInterval, heartbeatTimeout }
  for (const [name, value] of Object.entries(numbers)) {
    if (!Number.isSafeInteger(value) || value < 1)
      throw new TypeError(`${name} must be a whole number above 0, not ${value}`)
  }
  if (!/^[\w-]+(\.[\w-]+)*$/.test(prefix)) throw new TypeError('prefix must be a topic of letters, digits, - and _')
  return { prefix, ...numbers, error }
}
