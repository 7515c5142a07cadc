// Code that turns sockets into streams must compile.

import type { Duplex } from 'node:stream'
import { WebSocket } from 'twoway'
import { serve } from 'twoway/server'
import { toDuplex, toWebStreams } from 'twoway/streams'
import { check, type Same } from './same.js'

declare function handle(stream: Duplex): void

export const mqtt = () => serve({ open: (socket) => handle(toDuplex(socket)) })

export async function client(): Promise<void> {
  const duplex = toDuplex(new WebSocket('ws://localhost/'), { objectMode: true })
  check<Same<typeof duplex, Duplex>>()
  const { readable, writable } = toWebStreams(new WebSocket('ws://localhost/'))
  await readable.pipeTo(writable)
  // @ts-expect-error there is no such type
  toDuplex(new WebSocket('ws://localhost/'), { type: 'blob' })
}
