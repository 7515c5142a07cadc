/**
 * A first conversation over WebSocket: text, then bytes in three forms, each on its own connection.
 *
 * It works with any echo server. Start the echo service with `npm start`, and then run
 * `node examples/dist/hello.js`. Add a URL to use another server.
 */
import { WebSocket } from 'twoway'

const url = process.argv[2] ?? 'ws://127.0.0.1:8080'

await sendText()
await sendArrayBuffer()
await sendBlob()
await watchBufferedAmount()

/** The whole life of a connection: it opens, sends a message, receives the echo, and closes. */
function sendText(): Promise<void> {
  const ws = new WebSocket(url)

  ws.onopen = () => {
    console.log(`Connected to ${ws.url}`)
    ws.send('Hello WebSockets!')
  }

  ws.onmessage = (event) => {
    console.log(`Received: ${event.data}`)
    ws.close(1000, 'That was all')
  }

  return closed(ws)
}

/** Binary messages arrive as a Blob, unless you ask for an ArrayBuffer. */
function sendArrayBuffer(): Promise<void> {
  const ws = new WebSocket(url)
  ws.binaryType = 'arraybuffer'

  // For example an image of 400 x 320 pixels with four bytes each.
  const image = new Uint8Array(400 * 320 * 4)
  for (let at = 0; at < image.length; at++) image[at] = at % 251

  ws.onopen = () => ws.send(image.buffer)

  ws.onmessage = (event) => {
    const received = new Uint8Array(event.data)
    const isEqual = received.length === image.length && received.every((byte, at) => byte === image[at])
    console.log(`Received an ArrayBuffer of ${received.length} bytes, ${isEqual ? 'equal to' : 'not'} what was sent`)
    ws.close(1000)
  }

  return closed(ws)
}

/** A Blob can be sent directly, for example a file that the user chose. */
function sendBlob(): Promise<void> {
  const ws = new WebSocket(url)
  const blob = new Blob(['A Blob is bytes ', 'in as many parts as you like'])

  ws.onopen = () => ws.send(blob)

  ws.onmessage = async (event) => {
    const received: Blob = event.data
    console.log(`Received a Blob of ${received.size} bytes: "${await received.text()}"`)
    ws.close(1000)
  }

  return closed(ws)
}

/** send() returns at once. bufferedAmount is the number of bytes that the network has not yet taken. */
function watchBufferedAmount(): Promise<void> {
  const ws = new WebSocket(url)
  ws.binaryType = 'arraybuffer'

  ws.onopen = () => {
    ws.send(new Uint8Array(10_000_000))
    console.log(`Sent 10000000 bytes, of which ${ws.bufferedAmount} wait`)
    const watch = setInterval(() => {
      if (ws.bufferedAmount > 0) return
      clearInterval(watch)
      console.log('All of them have gone')
    }, 1)
  }

  ws.onmessage = (event) => {
    console.log(`Received ${event.data.byteLength} bytes`)
    ws.close(1000)
  }

  return closed(ws)
}

/** Every connection ends with exactly one close event. If it failed, an error event comes first. */
function closed(ws: WebSocket): Promise<void> {
  ws.onerror = () => {
    console.error(`The connection to ${ws.url} failed. Does the echo service run? Start it with: npm start`)
  }

  return new Promise((resolve) => {
    ws.onclose = ({ code, reason, wasClean }) => {
      console.log(`Closed with code ${code}, reason "${reason}", ${wasClean ? 'clean' : 'not clean'}\n`)
      if (!wasClean) process.exit(1)
      resolve()
    }
  })
}
