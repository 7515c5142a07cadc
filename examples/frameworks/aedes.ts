/**
 * A broker of MQTT for browsers: Aedes reads and writes each connection as a stream.
 *
 * `npm install aedes twoway`, then run it and connect a client of MQTT to ws://127.0.0.1:8080/mqtt
 */
import { Aedes } from 'aedes'
import { serve } from 'twoway/server'
import { toDuplex } from 'twoway/streams'

const broker = await Aedes.createBroker()

const server = await serve({
  port: Number(process.env.PORT ?? 8080),
  path: '/mqtt',
  upgrade: ({ protocols }) => ({ protocol: protocols.find((each) => each === 'mqtt') }),
  open: (socket) => broker.handle(toDuplex(socket)),
})
console.log(`${server.url}/mqtt`)
