import { Duplex, type DuplexOptions } from 'node:stream'
import type { WebSocket } from './websocket.js'

/**
 * The messages of a WebSocket as Node's Duplex. A message is a chunk in either direction, the connection's end is the
 * stream's, and a stream that is not read pauses the connection.
 */
export function createWebSocketStream(ws: WebSocket, options?: DuplexOptions): Duplex {
  // An error of the connection comes with a Close of its own, which dropping the connection would cut off.
  let terminatesOnDestroy = true
  const whenOpen = (action: () => void): void => {
    if (ws.readyState === ws.CONNECTING) ws.once('open', action)
    else action()
  }
  const closeSoon = (): void => {
    process.nextTick(() => duplex.emit('close'))
  }
  const duplex = new Duplex({
    ...options,
    autoDestroy: false,
    emitClose: false,
    objectMode: false,
    writableObjectMode: false,
    read() {
      if (ws.isPaused) ws.resume()
    },
    write(chunk, _encoding, callback) {
      whenOpen(() => ws.send(chunk, callback))
    },
    final(callback) {
      whenOpen(() => {
        const socket = ws._socket
        // The handshake failed: its error comes.
        if (socket === null) return
        const finish = (): void => {
          callback()
          if (duplex.readableEnded) duplex.destroy()
        }
        if (socket.writableFinished) {
          finish()
        } else {
          socket.once('finish', () => callback())
          ws.close()
        }
      })
    },
    destroy(error, callback) {
      if (ws.readyState === ws.CLOSED) {
        callback(error)
        closeSoon()
        return
      }
      let isTold = false
      ws.once('error', (cause: Error) => {
        isTold = true
        callback(cause)
      })
      ws.once('close', () => {
        if (!isTold) callback(error)
        closeSoon()
      })
      if (terminatesOnDestroy) ws.terminate()
    },
  })
  ws.on('message', (message: Buffer, isBinary: boolean) => {
    const data = !isBinary && duplex.readableObjectMode ? message.toString() : message
    if (!duplex.push(data)) ws.pause()
  })
  ws.once('error', (error: Error) => {
    if (duplex.destroyed) return
    terminatesOnDestroy = false
    duplex.destroy(error)
  })
  ws.once('close', () => {
    if (!duplex.destroyed) duplex.push(null)
  })
  duplex.on('end', () => {
    if (!duplex.destroyed && duplex.writableFinished) duplex.destroy()
  })
  const rethrow = (error: Error): void => {
    duplex.off('error', rethrow)
    duplex.destroy()
    if (duplex.listenerCount('error') === 0) duplex.emit('error', error)
  }
  duplex.on('error', rethrow)
  return duplex
}
