import { catching, closeOf, inner, received, withPair } from './harness.js'
import type { Row } from './row.js'

/** Errors that callbacks and listeners of the program throw. */
export const errorRows: readonly Row[] = [
  {
    name: 'callbacks after one that throws come, in order',
    result: [
      ['first', 'second', 'third'],
      ['of the first', 'of the second'],
    ],
    run: (W) =>
      withPair(W, ({ client }) =>
        catching(async (errors) => {
          const log: string[] = []
          await new Promise<void>((resolve) => {
            client.send('a', () => {
              log.push('first')
              throw new Error('of the first')
            })
            client.ping('b', undefined, () => {
              log.push('second')
              throw new Error('of the second')
            })
            client.send('c', () => {
              log.push('third')
              resolve()
            })
          })
          return [log, errors]
        }),
      ),
  },
  {
    name: 'callbacks with an error after one that throws come, in order',
    result: [['first', 'second'], ['of the first']],
    run: (W) =>
      withPair(W, ({ client }) =>
        catching(async (errors) => {
          const log: string[] = []
          client.close()
          await new Promise<void>((resolve) => {
            client.send('a', (error) => {
              log.push('first')
              if (error) throw new Error('of the first')
            })
            client.send('b', (error) => {
              log.push('second')
              if (error) resolve()
            })
          })
          return [log, errors]
        }),
      ),
  },
  {
    name: 'a connection goes on after a callback that throws',
    result: [['Buffer', [98], false], ['of the callback']],
    run: (W) =>
      withPair(W, ({ client, remote }) =>
        catching(async (errors) => {
          const heard = received(remote, () => {
            client.send('a', () => {
              throw new Error('of the callback')
            })
          })
          await heard
          const next = await received(remote, () => client.send('b'))
          return [next, errors]
        }),
      ),
  },
  {
    name: 'a listener of close that throws does not keep its server from closing',
    result: ['closed', ['of close'], 3],
    run: (W) =>
      withPair(W, ({ client, remote, server }) =>
        catching(async (errors) => {
          remote.on('close', () => {
            throw new Error('of close')
          })
          const closed = closeOf(client)
          inner(client)._socket.end()
          await closed
          await new Promise<void>((resolve) => server.close(() => resolve()))
          return ['closed', errors, remote.readyState]
        }),
      ),
  },
]
