import type { Duplex } from 'node:stream'

/** The methods of which a listener that takes a stream calls one first. */
const uses = [
  ...['on', 'addListener', 'once', 'prependListener', 'prependOnceListener'],
  ...['read', 'resume', 'pause', 'pipe', 'unshift', 'setEncoding', 'iterator'],
  ...['write', 'end', 'cork', 'destroy', 'destroySoon', 'resetAndDestroy'],
  ...['setTimeout', 'setNoDelay', 'setKeepAlive', 'ref', 'unref'],
] as const

/** Whether a synchronous function calls one of these methods of the stream. */
export function isUsedBy(stream: Duplex, act: () => void): boolean {
  const methods = stream as unknown as Record<string, unknown>
  let isUsed = false
  const restore = uses.map((name) => {
    const method = methods[name]
    if (typeof method !== 'function') return () => {}
    const own = Object.getOwnPropertyDescriptor(stream, name)
    const watched = function (this: unknown, ...args: unknown[]): unknown {
      isUsed = true
      return method.apply(this, args)
    }
    Object.defineProperty(stream, name, { value: watched, configurable: true, enumerable: true, writable: true })
    return () => {
      // node:http replaces its methods when the first one is called.
      if (methods[name] !== watched) return
      if (own === undefined) delete methods[name]
      else Object.defineProperty(stream, name, own)
    }
  })
  try {
    act()
  } finally {
    for (const each of restore) each()
  }
  return isUsed
}
