import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import process from 'node:process'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'

const url = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href)

/**
 * Two sockets get four messages each, in one read. Prints the order in which the reactions of their listeners run. In a process
 * of its own, as errors that listeners throw are uncaught exceptions.
 */
const program = `
import { AsyncLocalStorage } from 'node:async_hooks'
import { createServer } from 'node:net'
import { acceptance } from ${url('../../../../testing/dist/peers/acceptance.js')}
import { WebSocket } from ${url('../../entries/client.js')}
const [, failing] = process.argv
const storage = new AsyncLocalStorage()
const log = []
const texts = ['1', '2', '3', '4']
const frames = Buffer.concat(texts.map((text) => Buffer.from([0x81, 1, text.charCodeAt(0)])))
const server = createServer((socket) => {
  socket.once('data', (head) => {
    socket.write(acceptance(head.toString('latin1'), Buffer.alloc(0)))
    socket.on('data', () => socket.write(frames))
  })
})
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
process.on('uncaughtException', ({ message }) => log.push(message))
process.on('warning', ({ message }) => log.push(message))
function connect(name) {
  const socket = new WebSocket('ws://127.0.0.1:' + server.address().port)
  let received = 0
  const ended = new Promise((resolve) => {
    socket.onmessage = ({ data }) => {
      const id = name + data
      log.push(id + ' in ' + storage.getStore())
      queueMicrotask(() => log.push(id + ' microtask'))
      process.nextTick(() => {
        log.push(id + ' tick')
        void Promise.resolve().then(() => log.push(id + ' promise of tick'))
      })
      void Promise.resolve().then(() => {
        log.push(id + ' promise')
        process.nextTick(() => log.push(id + ' tick of promise'))
      }).then(() => log.push(id + ' second promise'))
      setImmediate(() => log.push(id + ' immediate'))
      setTimeout(() => {
        log.push(id + ' timer')
        if (++received === texts.length) resolve()
      }, 0)
      if (data === failing) throw new Error(id + ' thrown')
    }
  })
  return new Promise((resolve) => { socket.onopen = () => resolve({ socket, ended }) })
}
const a = await storage.run('context a', () => connect('a'))
const b = await storage.run('context b', () => connect('b'))
a.socket.send('go')
b.socket.send('go')
await Promise.all([a.ended, b.ended])
console.log(JSON.stringify(log))
process.exit()
`

async function logOf(failing: string, flags: readonly string[] = []): Promise<readonly string[]> {
  const args = [...flags, '--input-type=module', '-e', program, failing]
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 60_000 })
  return JSON.parse(stdout) as string[]
}

const numbers = ['1', '2', '3', '4']
const sockets = ['a', 'b']

/** The reactions to one message, in the order in which Node runs those to one callback of its own. */
function reactionsTo(id: string, failing: string): readonly string[] {
  const thrown = id.endsWith(failing) && failing !== '' ? [`${id} thrown`] : []
  const first = [`${id} in context ${id[0]}`, `${id} tick`, ...thrown]
  const then = ['microtask', 'promise', 'promise of tick', 'second promise', 'tick of promise']
  return [...first, ...then.map((what) => `${id} ${what}`)]
}

const isTask = (line: string): boolean => /immediate|timer/.test(line)

/** The messages of a socket to which its lines belong, but for tasks, in their order. */
function idsOf(log: readonly string[], name: string): string[] {
  return log.filter((line) => line.startsWith(name) && !isTask(line)).map((line) => line.slice(0, 2))
}

describe('the order of events that arrive in one read', () => {
  it('runs all ticks and promises of one message before the next, in the context of the socket', async () => {
    const log = await logOf('')
    for (const name of sockets) {
      assert.deepEqual(
        log.filter((line) => line.startsWith(name) && !isTask(line)),
        numbers.flatMap((number) => reactionsTo(name + number, '')),
      )
    }
  })

  it('runs the messages of one socket’s read before those of another’s, and before timers and immediates', async () => {
    const log = await logOf('')
    const messages = log.filter((line) => line.includes(' in ')).map((line) => line.slice(0, 2))
    const order = [...sockets].sort((one, other) => messages.indexOf(`${one}1`) - messages.indexOf(`${other}1`))
    assert.deepEqual(
      messages,
      order.flatMap((name) => numbers.map((number) => name + number)),
    )
    for (const name of sockets) {
      const last = log.indexOf(`${name}4 in context ${name}`)
      for (const what of ['immediate', 'timer']) {
        const tasks = log.filter((line) => line.startsWith(name) && line.endsWith(` ${what}`))
        assert.deepEqual(
          tasks,
          numbers.map((number) => `${name}${number} ${what}`),
        )
        assert.ok(log.indexOf(tasks[0]!) > last)
      }
    }
  })

  for (const failing of numbers) {
    it(`loses no message, and keeps the order, after an error of the listener at message ${failing}`, async () => {
      const log = await logOf(failing)
      for (const name of sockets) {
        const lines = log.filter((line) => line.startsWith(name) && !isTask(line))
        assert.deepEqual(lines.sort(), numbers.flatMap((number) => reactionsTo(name + number, failing)).sort())
        assert.deepEqual(idsOf(log, name), idsOf(log, name).sort())
        const messages = lines.filter((line) => / in | thrown/.test(line)).map((line) => line.replace(/ in .*/, ''))
        const expected = numbers.flatMap((number) => {
          return number === failing ? [name + number, `${name}${number} thrown`] : [name + number]
        })
        assert.deepEqual(messages, expected)
      }
    })
  }

  it('is the same, without a warning, where Node warns of the function behind it', async () => {
    const log = await logOf('', ['--pending-deprecation'])
    for (const name of sockets) {
      assert.deepEqual(
        log.filter((line) => !isTask(line)).filter((line) => !line.startsWith(name === 'a' ? 'b' : 'a')),
        numbers.flatMap((number) => reactionsTo(name + number, '')),
      )
    }
  })
})
