/** The client under test: `client.js ORDER`, see ClientOrder. All clients are driven through the standard's interface. */

import { createRequire } from 'node:module'
import { join } from 'node:path'
import process from 'node:process'
import type { ClientLoad } from '../load/load.js'
import { payloadOf } from '../load/wire.js'

/** The work of a client, as JSON in its first argument. */
export interface ClientOrder {
  readonly client: 'twoway' | 'ws' | 'undici' | 'own'
  readonly load: ClientLoad
  readonly port: number
  readonly tls: boolean
  readonly rivals: string
}

const { client, load, port, tls, rivals } = JSON.parse(process.argv[2]!) as ClientOrder

const rival = createRequire(join(rivals, 'package.json'))
const classes: Readonly<Record<ClientOrder['client'], () => Promise<typeof WebSocket> | typeof WebSocket>> = {
  twoway: async () => (await import('twoway')).WebSocket as unknown as typeof WebSocket,
  ws: () => rival('ws'),
  undici: () => rival('undici').WebSocket,
  own: () => WebSocket,
}

const empty = new Uint8Array(0)
const payload = payloadOf(load.content, load.bytes)
const message = load.content === 'binary' ? new Uint8Array(payload) : payload.toString()

function start(socket: WebSocket): void {
  socket.binaryType = 'arraybuffer'
  const sendBatch = (): void => {
    for (let index = 0; index < load.batch; index++) socket.send(message)
  }
  let received = 0
  if (load.kind === 'clientReceives') {
    const take = (): void => {
      if (++received % load.batch === 0) socket.send(empty)
    }
    if (load.takesBy === 'listener') socket.addEventListener('message', take)
    else socket.onmessage = take
  } else {
    socket.onopen = () => {
      sendBatch()
      sendBatch()
    }
    socket.onmessage = sendBatch
  }
  socket.onerror = () => {
    console.error('the client lost its connection')
    process.exit(1)
  }
}

const Client = await classes[client]()
for (let index = 0; index < load.connections; index++) start(new Client(`${tls ? 'wss' : 'ws'}://127.0.0.1:${port}`))
process.stdin.on('end', () => process.exit()).resume()
