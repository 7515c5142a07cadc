import { once } from 'node:events'

/** Has a server listen on a free port of this machine, and resolves to `127.0.0.1:PORT`. */
export async function listen(server) {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `127.0.0.1:${server.address().port}`
}

/** Resolves when `has` returns a value that is true, and rejects after 30 seconds. */
export async function until(has, what) {
  const end = Date.now() + 30_000
  while (!has()) {
    if (Date.now() > end) throw new Error(`${what} did not happen`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** Reads the messages of a WebSocket one by one: the returned function resolves to the next. */
export function messagesOf(socket) {
  const waiting = []
  const unread = []
  socket.on('message', (data, isBinary) => {
    const message = isBinary ? data : data.toString()
    if (waiting.length > 0) waiting.shift()(message)
    else unread.push(message)
  })
  return () => (unread.length > 0 ? unread.shift() : new Promise((resolve) => waiting.push(resolve)))
}
