import { generate } from 'selfsigned'
import { type MessageStream, type ServeOptions, serve } from 'twoway/server'

/** A server whose memory is measured from outside: `node --expose-gc server.js OPTIONS`, with options in JSON. */

/** The work of a server that is measured. */
export interface SizedServer {
  readonly tls?: boolean
  readonly perMessageDeflate?: ServeOptions<undefined>['perMessageDeflate']
  /** The work for messages: to echo them, to leave streamed ones unread, or to send this number of bytes to each peer. */
  readonly does: 'echo' | 'stream' | { readonly sends: number }
}

const { tls = false, perMessageDeflate = false, does } = JSON.parse(process.argv[2]!) as SizedServer
const streams: MessageStream[] = []
const identity = async () => {
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], { keyType: 'ec' })
  return { cert, key }
}
const server = await serve({
  port: 0,
  perMessageDeflate,
  ...(tls ? { tls: await identity() } : {}),
  ...(typeof does === 'object' ? { open: (socket) => void socket.send(new Uint8Array(does.sends).fill(1)) } : {}),
  ...(does === 'stream'
    ? {
        messageStream: (_, stream) => {
          streams.push(stream)
          return new Promise(() => {})
        },
      }
    : { message: (socket, message) => void socket.send(message) }),
})

process.on('message', async () => {
  // The first collection finds closed objects, the second one frees them.
  globalThis.gc!()
  await new Promise((resolve) => setTimeout(resolve, 50))
  globalThis.gc!()
  const { rss, heapUsed, external } = process.memoryUsage()
  const { connections, bufferedBytes, receiveBytes } = server.metrics()
  process.send!({ rss, held: heapUsed + external, connections, bufferedBytes, receiveBytes })
})
process.on('disconnect', () => process.exit())
process.send!(server.url)
