const { strictEqual } = require('node:assert')

/** Resolves to `message`, sent by a client through a server, each of the entries given; checks that they have one class of errors. */
exports.echo = async function echo({ client, frameworks, server, memory, streams, workers }, message) {
  strictEqual(typeof frameworks.trpcServer().handlers.open, 'function')
  strictEqual(client.UsageError, server.UsageError)
  strictEqual(client.UsageError, workers.UsageError)
  const network = new memory.MemoryNetwork()
  const within = await answer(network.WebSocket, network.serve.bind(network), message)
  await workers.serveWorkers(new URL('none.js', 'file:///'), { workers: 1 }).then(
    () => strictEqual(true, false),
    (error) => strictEqual(error instanceof server.UsageError, true, error),
  )
  try {
    streams.toDuplex({})
    strictEqual(true, false)
  } catch (error) {
    strictEqual(error instanceof client.UsageError, true, error)
  }
  return answer(client.WebSocket, server.serve, within)
}

async function answer(WebSocket, serve, message) {
  const server = await serve({ port: 0, origin: 'any', message: (socket, text) => void socket.send(text) })
  const socket = new WebSocket(server.url)
  const text = await new Promise((resolve, reject) => {
    socket.onopen = () => socket.send(message)
    socket.onmessage = ({ data }) => resolve(data)
    socket.onerror = ({ error }) => reject(error ?? new Error('The connection failed.'))
  })
  socket.close()
  await server.close()
  return text
}
