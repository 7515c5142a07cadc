/**
 * Echoes through a server and both classes of the client, with a heartbeat and a closing handshake. Returns a log.
 */
export async function echo({ serve, WebSocket, WebSocketStream, ping }) {
  const server = await serve({
    port: 0,
    idleTimeoutMs: 60,
    message: (socket, message) => void socket.send(message),
  })
  const log = []
  const socket = new WebSocket(server.url)
  socket.binaryType = 'arraybuffer'
  const closed = new Promise((resolve) => {
    socket.onclose = ({ code, wasClean }) => resolve(log.push(code, wasClean))
  })
  socket.onerror = ({ message }) => log.push(message)
  socket.onopen = () => {
    socket.send('text')
    socket.send(new Uint8Array(3))
    socket.send(new Uint16Array(2).buffer)
    socket.send(new Blob(['blob']))
  }
  socket.onmessage = async ({ data }) => {
    log.push(typeof data === 'string' ? data : data.byteLength)
    if (log.length < 4) return
    await ping(socket)
    socket.close(1000)
  }
  await closed
  const stream = new WebSocketStream(server.url)
  const { readable, writable } = await stream.opened
  await writable.getWriter().write('stream')
  log.push((await readable.getReader().read()).value)
  stream.close({ closeCode: 1000 })
  await stream.closed
  await server.close()
  return log.join(' ')
}

export const expected = 'text 3 4 4 1000 true stream'
