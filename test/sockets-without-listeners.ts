/**
 * `node sockets-without-listeners.js URL RAW_URL DEAF_URL`: lets sockets without any listener fail in every way,
 * and reports once all are closed. An unhandled error would have ended the process before.
 */
import process from 'node:process'
import { WebSocket } from 'twoway'

const [url, rawUrl, deafUrl] = process.argv.slice(2) as [string, string, string]

const sockets = [
  // Nothing listens, there is no such name, TLS is not spoken.
  new WebSocket(deafUrl),
  new WebSocket('ws://name.invalid/'),
  new WebSocket(url.replace('ws:', 'wss:')),
  // The handshake is refused, not answered in time, or answered wrongly.
  new WebSocket(`${url}/refuse?status=500`),
  new WebSocket(`${url}/never`, { handshakeTimeoutMs: 50 }),
  new WebSocket(`${rawUrl}/bytes?Upgrade=wrong`),
  new WebSocket(`${rawUrl}/bytes`, 'chat'),
  new WebSocket(`${rawUrl}/bytes?status=302&Location=/`),
  // Connecting is given up.
  new WebSocket(`${url}/never`, { signal: AbortSignal.timeout(50) }),
  new WebSocket(`${url}/never`, { signal: AbortSignal.abort(new Error('no')) }),
  closedAtOnce(`${url}/echo`),
  // The server drops the connection, or breaks a rule.
  new WebSocket(`${url}/drop`),
  new WebSocket(`${rawUrl}/bytes?hex=810161&then=end`),
  new WebSocket(`${rawUrl}/bytes?hex=810161&then=drop`),
  new WebSocket(`${rawUrl}/bytes?hex=830161`),
  new WebSocket(`${rawUrl}/bytes?hex=8102c328&joined=1`),
  new WebSocket(`${rawUrl}/bytes?hex=8801ff`),
  new WebSocket(`${url}/send?text=longer`, { maxMessageBytes: 1 }),
]

/** Sockets with messages in flight, so that a write fails. */
const writers = [new WebSocket(`${url}/drop`), new WebSocket(`${rawUrl}/bytes?hex=810161&then=drop`)]
for (const writer of writers) {
  writer.onopen = () => {
    const write = (): void => {
      if (writer.readyState !== writer.OPEN) return
      writer.send('x'.repeat(100_000))
      setImmediate(write)
    }
    write()
  }
}

/** A Blob that can't be read. */
class Unreadable extends Blob {
  override arrayBuffer(): Promise<never> {
    return Promise.reject(new Error('no'))
  }
}
const sender = new WebSocket(`${url}/echo`)
sender.onopen = () => sender.send(new Unreadable(['a']))

const all = [...sockets, ...writers, sender]
while (all.some(({ readyState }) => readyState !== WebSocket.CLOSED)) {
  await new Promise((resolve) => setTimeout(resolve, 10))
}
// Any pending error is reported now.
await new Promise((resolve) => setTimeout(resolve, 50))
console.log(`${all.length} sockets have failed`)

function closedAtOnce(url: string): WebSocket {
  const socket = new WebSocket(url)
  socket.close()
  return socket
}
