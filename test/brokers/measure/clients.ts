/** Clients of a node, as a process of their own: `clients.js link|socket.io URL COUNT`. It answers with the messages that came. */
import { Link } from 'twoway/link'
import { load } from './packages.js'

const [kind, url, count] = [process.argv[2]!, process.argv[3]!, Number(process.argv[4])]
let messages = 0

function byLink(): Promise<void> {
  return new Promise((resolve) => {
    new Link(`ws://${url}`).subscribe(
      'room.1',
      () => {
        messages += 1
      },
      { started: () => resolve() },
    )
  })
}

function bySocketIo(): Promise<void> {
  return new Promise((resolve) => {
    const socket = load('socket.io-client').io(`http://${url}`, { transports: ['websocket'], forceNew: true })
    socket.on('message', () => {
      messages += 1
    })
    socket.once('connect', () => resolve())
  })
}

await Promise.all(Array.from({ length: count }, kind === 'link' ? byLink : bySocketIo))
process.on('message', () => process.send!(messages))
process.on('disconnect', () => process.exit())
process.send!(messages)
