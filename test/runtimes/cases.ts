import { WebSocket, WebSocketError, WebSocketStream } from 'twoway'
import { Link, type Member, type TopicMessage } from 'twoway/link'
import { holds, same } from '../whatwg/expect.js'
import { freshId, next } from '../whatwg/rule.js'
import type { Case } from './case.js'
import { floodMessageBytes, floodMessages } from './flood-size.js'

/** More bytes than a machine buffers. */
const muchBytes = 16 << 20

const webSocketCases: readonly Case[] = [
  {
    name: 'WebSocket echoes text of every length of header, and beyond ASCII',
    async run({ echoUrl }) {
      const socket = await opened(new WebSocket(echoUrl))
      for (const text of ['', 'Hello', 'x'.repeat(125), 'x'.repeat(126), 'x'.repeat(70_000), 'grüß 🌍', '\ufeffmark']) {
        socket.send(text)
        same((await next(socket, 'message')).data, text)
      }
      await closed(socket)
    },
  },
  {
    name: 'WebSocket echoes binary as a Blob and as an ArrayBuffer',
    async run({ echoUrl }) {
      const socket = await opened(new WebSocket(echoUrl))
      socket.send(Uint8Array.of(0, 1, 255))
      const blob = (await next(socket, 'message')).data as Blob
      holds(blob instanceof Blob, 'binary comes as a Blob')
      same(bytesOf(await blob.arrayBuffer()), '0,1,255')
      socket.binaryType = 'arraybuffer'
      socket.send(new DataView(Uint8Array.of(9, 8, 7, 6).buffer, 1, 2))
      const buffer = (await next(socket, 'message')).data as ArrayBuffer
      holds(buffer instanceof ArrayBuffer, 'binary comes as an ArrayBuffer')
      same(bytesOf(buffer), '8,7')
      await closed(socket)
    },
  },
  {
    name: 'WebSocket runs all microtasks of a message before the next of any socket, and timers in the order of messages',
    async run({ rawUrl }) {
      const log: string[] = []
      const ends = ['a', 'b'].map((name) => {
        const socket = rawSocket(rawUrl, ['1', '2', '3', '4'])
        let timers = 0
        return new Promise<void>((resolve) => {
          socket.onmessage = async ({ data }) => {
            const id = `${name}${String(data)}`
            log.push(`${id} begins`)
            setTimeout(() => {
              log.push(`${id} timer`)
              if (++timers === 4) resolve(closed(socket))
            }, 0)
            queueMicrotask(() => {
              log.push(`${id} microtask`)
              void Promise.resolve().then(() => log.push(`${id} promise of microtask`))
            })
            await undefined
            log.push(`${id} promise`)
            for (let hop = 0; hop < 25; hop++) await undefined
            log.push(`${id} ends`)
          }
        })
      })
      await Promise.all(ends)
      const reactions = ['begins', 'microtask', 'promise', 'promise of microtask', 'ends']
      const isTimer = (line: string): boolean => line.endsWith(' timer')
      const begun = log.filter((line) => line.endsWith(' begins')).map((line) => line.slice(0, 2))
      same(
        log.filter((line) => !isTimer(line)),
        begun.flatMap((id) => reactions.map((reaction) => `${id} ${reaction}`)),
      )
      for (const name of ['a', 'b']) {
        const ids = ['1', '2', '3', '4'].map((number) => name + number)
        same(
          begun.filter((id) => id.startsWith(name)),
          ids,
        )
        same(
          log.filter((line) => line.startsWith(name) && isTimer(line)),
          ids.map((id) => `${id} timer`),
        )
        holds(
          ids.every((id) => log.indexOf(`${id} timer`) > log.indexOf(`${id} ends`)),
          'a timer runs after the message that set it',
        )
      }
    },
  },
  {
    name: 'WebSocket reports each error of a listener, in the order of messages, and delivers all messages',
    async run({ rawUrl }) {
      const log: string[] = []
      const stopWatching = watchErrors((text) => log.push(text))
      const socket = rawSocket(rawUrl, ['1', '2', '3', '4'])
      socket.onmessage = ({ data }) => {
        log.push(`message ${String(data)}`)
        queueMicrotask(() => log.push(`microtask ${String(data)}`))
        if (data !== '3') throw new Error(`error ${String(data)}`)
      }
      while (log.length < 11) await someTime()
      stopWatching()
      await closed(socket)
      for (const what of ['message', 'microtask', 'error']) {
        const numbers = what === 'error' ? ['1', '2', '4'] : ['1', '2', '3', '4']
        same(
          log.filter((line) => line.startsWith(what)),
          numbers.map((number) => `${what} ${number}`),
        )
      }
      for (const [number, next] of ['12', '23', '34']) {
        for (const what of number === '3' ? ['microtask'] : ['microtask', 'error']) {
          holds(
            log.indexOf(`${what} ${number}`) < log.indexOf(`message ${next}`),
            `${what} ${number} comes before ${next}`,
          )
        }
      }
    },
  },
  {
    name: 'WebSocket sends a Blob, and later messages after it',
    async run({ echoUrl }) {
      const socket = await opened(new WebSocket(echoUrl))
      socket.binaryType = 'arraybuffer'
      const log: string[] = []
      socket.onmessage = ({ data }) => log.push(typeof data === 'string' ? data : bytesOf(data as ArrayBuffer))
      socket.send(new Blob([Uint8Array.of(1, 2), Uint8Array.of(3)]))
      socket.send('behind')
      await next(socket, 'message')
      if (log.length < 2) await next(socket, 'message')
      same(log, ['1,2,3', 'behind'])
      await closed(socket)
    },
  },
  {
    name: 'WebSocket closes with a code and a reason, by either side',
    async run({ scriptedUrl }) {
      const mine = await opened(new WebSocket(`${scriptedUrl}/echo`))
      mine.close(4001, 'mine')
      same(statusOf(await next(mine, 'close')), '4001 mine true')
      const theirs = new WebSocket(`${scriptedUrl}/send?code=4002&reason=theirs`)
      same(statusOf(await next(theirs, 'close')), '4002 theirs true')
      const none = await opened(new WebSocket(`${scriptedUrl}/echo`))
      none.close()
      same(statusOf(await next(none, 'close')), '1005  true')
    },
  },
  {
    name: 'WebSocket reports a lost connection by close 1006',
    async run({ scriptedUrl }) {
      const socket = new WebSocket(`${scriptedUrl}/drop`)
      same(statusOf(await next(socket, 'close')), '1006  false')
    },
  },
  {
    name: 'WebSocket also reports a lost connection by error',
    needs: ['errorWhenLost'],
    async run({ scriptedUrl }) {
      same(await endOf(new WebSocket(`${scriptedUrl}/drop`)), 'error, 1006  false')
    },
  },
  {
    name: 'WebSocket reports a refused handshake and a missing server by error and close 1006',
    async run({ scriptedUrl, deafUrl }) {
      same(await endOf(new WebSocket(`${scriptedUrl}/refuse?status=403`)), 'error, 1006  false')
      same(await endOf(new WebSocket(deafUrl)), 'error, 1006  false')
    },
  },
  {
    name: 'WebSocket reports why a handshake failed: the received status, or the system error',
    needs: ['reasons'],
    async run({ scriptedUrl, deafUrl }) {
      const refused = await next(new WebSocket(`${scriptedUrl}/refuse?status=403`), 'error')
      same((refused.error as { status: number }).status, 403)
      const deaf = await next(new WebSocket(deafUrl), 'error')
      same((deaf.error as { cause: { code: string } }).cause.code, 'ECONNREFUSED')
    },
  },
  {
    name: 'WebSocket reduces bufferedAmount to 0 as bytes are sent, and keeps counting those that are lost',
    async run({ scriptedUrl }) {
      const id = freshId()
      const socket = await opened(new WebSocket(`${scriptedUrl}/stall?id=${id}`))
      socket.send('äö')
      same(socket.bufferedAmount, 4)
      socket.send(new Uint8Array(muchBytes))
      same(socket.bufferedAmount, muchBytes + 4)
      await someTime()
      holds(socket.bufferedAmount > 0, 'a server that does not read leaves something waiting')
      await closed(await opened(new WebSocket(`${scriptedUrl}/unstall?id=${id}`)))
      while (socket.bufferedAmount > 0) await someTime()
      await closed(socket)
      socket.send('lost')
      same(socket.bufferedAmount, 4)
    },
  },
  {
    name: 'WebSocket agrees on a subprotocol',
    async run({ scriptedUrl }) {
      const socket = await opened(new WebSocket(`${scriptedUrl}/echo?choose=two`, ['one', 'two']))
      same(socket.protocol, 'two')
      await closed(socket)
    },
  },
  {
    name: 'WebSocket fails if the server breaks a rule',
    async run({ rawUrl }) {
      // A masked frame: a server must not mask, RFC 6455 §5.1.
      same(await endOf(new WebSocket(`${rawUrl}/bytes?hex=818100000000aa`)), 'error, 1006  false')
    },
  },
  {
    name: 'WebSocket sends header fields and an origin of the caller',
    needs: ['options'],
    async run({ scriptedUrl }) {
      const id = freshId()
      const options = { headers: { 'X-Mine': 'value' }, origin: 'https://me.example' }
      await closed(await opened(new WebSocket(`${scriptedUrl}/record?id=${id}`, options)))
      const { data } = await next(new WebSocket(`${scriptedUrl}/recorded?id=${id}`), 'message')
      const { headers } = JSON.parse(data as string) as { headers: Record<string, string> }
      same([headers['x-mine'], headers.origin], ['value', 'https://me.example'])
    },
  },
  {
    name: 'WebSocket speaks TLS with an authority of the caller, and with no other',
    needs: ['tls'],
    async run({ secureUrl, certificate }) {
      const socket = await opened(new WebSocket(secureUrl, { ca: certificate }))
      const text = 'x'.repeat(1_000_000)
      socket.send(text)
      same((await next(socket, 'message')).data === text, true)
      await closed(socket)
      same(await endOf(new WebSocket(secureUrl)), 'error, 1006  false')
      const unchecked = await opened(new WebSocket(secureUrl, { rejectUnauthorized: false }))
      await closed(unchecked)
    },
  },
]

const streamCases: readonly Case[] = [
  {
    name: 'WebSocketStream echoes text and binary',
    async run({ echoUrl }) {
      const stream = new WebSocketStream(echoUrl)
      const { readable, writable } = await stream.opened
      const reader = readable.getReader()
      const writer = writable.getWriter()
      await writer.write('grüß 🌍')
      same((await reader.read()).value, 'grüß 🌍')
      await writer.write(Uint8Array.of(0, 1, 255))
      const { value } = await reader.read()
      same(bytesOf(value as Uint8Array), '0,1,255')
      await writer.close()
      same((await reader.read()).done, true)
      same(await stream.closed, { closeCode: 1005, reason: '' })
    },
  },
  {
    name: 'WebSocketStream gives binary as a Uint8Array',
    needs: ['uint8Chunks'],
    async run({ scriptedUrl }) {
      const stream = new WebSocketStream(`${scriptedUrl}/send?hex=00ff`)
      const { value } = await (await stream.opened).readable.getReader().read()
      same(Object.prototype.toString.call(value), '[object Uint8Array]')
      stream.close()
      await stream.closed
    },
  },
  {
    name: 'WebSocketStream has a subprotocol',
    async run({ scriptedUrl }) {
      const stream = new WebSocketStream(`${scriptedUrl}/echo?choose=two`, { protocols: ['one', 'two'] })
      same((await stream.opened).protocol, 'two')
      stream.close()
      await stream.closed
    },
  },
  {
    name: 'WebSocketStream closes with a status, by close, abort and cancel, and by the server',
    async run({ scriptedUrl }) {
      const reason = new WebSocketError('mine', { closeCode: 4001, reason: 'mine' })
      for (const end of ['close', 'abort', 'cancel'] as const) {
        const stream = new WebSocketStream(`${scriptedUrl}/echo`)
        const { readable, writable } = await stream.opened
        if (end === 'close') stream.close({ closeCode: 4001, reason: 'mine' })
        if (end === 'abort') await writable.abort(reason)
        if (end === 'cancel') await readable.cancel(reason)
        const { closeCode, reason: text } = await stream.closed
        same([closeCode, text], [4001, 'mine'])
      }
      const theirs = new WebSocketStream(`${scriptedUrl}/send?text=last&code=4002&reason=theirs`)
      const { readable } = await theirs.opened
      const reader = readable.getReader()
      same((await reader.read()).value, 'last')
      same((await reader.read()).done, true)
      same((await theirs.closed).closeCode, 4002)
    },
  },
  {
    name: 'WebSocketStream rejects both promises with a WebSocketError if the handshake is refused',
    async run({ scriptedUrl }) {
      const stream = new WebSocketStream(`${scriptedUrl}/refuse?status=403`)
      const results = await Promise.allSettled([stream.opened, stream.closed])
      for (const result of results) {
        holds(result.status === 'rejected' && result.reason instanceof WebSocketError, 'it is a WebSocketError')
      }
    },
  },
  {
    name: 'WebSocketStream aborts connecting by a signal, with its reason',
    async run({ scriptedUrl }) {
      const controller = new AbortController()
      const stream = new WebSocketStream(`${scriptedUrl}/never`, { signal: controller.signal })
      const settled = Promise.allSettled([stream.opened, stream.closed])
      await someTime()
      const reason = new Error('changed my mind')
      controller.abort(reason)
      for (const result of await settled) same((result as PromiseRejectedResult).reason, reason)
    },
  },
  {
    name: 'WebSocketStream lets a write wait for a server that does not read',
    async run({ scriptedUrl }) {
      const id = freshId()
      const stream = new WebSocketStream(`${scriptedUrl}/stall?id=${id}`)
      const writer = (await stream.opened).writable.getWriter()
      let isWritten = false
      const written = writer.write(new Uint8Array(muchBytes)).then(() => {
        isWritten = true
      })
      await someTime()
      same(isWritten, false)
      await closed(await opened(new WebSocket(`${scriptedUrl}/unstall?id=${id}`)))
      await written
      stream.close()
      await stream.closed
    },
  },
  {
    name: 'WebSocketStream stops reading while its readable is not read, and continues afterwards',
    needs: ['receiveBackpressure'],
    run: ({ floodUrl }) => meetFlood(floodUrl, {}),
  },
  {
    name: 'WebSocketStream stops reading while its readable is not read, over TLS',
    needs: ['tls', 'receiveBackpressureTls'],
    run: ({ secureUrl, certificate }) => meetFlood(secureUrl, { ca: certificate }),
  },
]

const linkCases: readonly Case[] = [
  {
    name: 'Link delivers the messages of a topic in order, knows its members and history, and gets answers',
    async run({ echoUrl }) {
      const topic = `room.${freshId()}`
      const link = new Link(echoUrl, { token: () => ({ name: 'Ann' }) })
      const texts = ['a', 'b', 'grüß 🌍']
      const heard: unknown[] = []
      let whole = (): void => {}
      const all = new Promise<void>((resolve) => (whole = resolve))
      const members = await new Promise<readonly Member[]>((resolve) => {
        const take = ({ data }: TopicMessage): void => {
          if (heard.push(data) === texts.length) whole()
        }
        link.subscribe(topic, take, { presence: (view) => resolve(view.members) })
      })
      same(members.map(({ user }) => user).join(), 'Ann')
      for (const text of texts) await link.publish(topic, text)
      await all
      same(heard.join(), texts.join())
      const messages = await link.history(topic, { last: 2 })
      same(messages.map(({ data }) => data).join(), 'b,grüß 🌍')
      same(await link.request('echo', 'again'), 'again')
      link.close()
    },
  },
]

export const cases: readonly Case[] = [...webSocketCases, ...streamCases, ...linkCases]

async function meetFlood(url: string, options: { readonly ca?: string }): Promise<void> {
  const id = freshId()
  const stream = new WebSocketStream(`${url}/flood?id=${id}`, options)
  const { readable } = await stream.opened
  // A browser takes no options.
  const counted = `${url}/flooded?id=${id}`
  const meter = await opened('ca' in options ? new WebSocket(counted, options) : new WebSocket(counted))
  const count = async (): Promise<number> => {
    meter.send('how many?')
    return Number((await next(meter, 'message')).data)
  }
  for (let before = -1, now = 0; before !== now; await someTime()) {
    before = now
    now = await count()
    if (now === 0) before = -1
    holds(now < floodMessages, 'the server is made to wait')
  }
  const reader = readable.getReader()
  let bytes = 0
  while (bytes < floodMessages * floodMessageBytes) {
    const { value } = await reader.read()
    bytes += (value as Uint8Array).byteLength
  }
  stream.close()
  await stream.closed
  await closed(meter)
}

async function opened(socket: WebSocket): Promise<WebSocket> {
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener('open', () => resolve(), { once: true })
    socket.addEventListener('close', ({ code }) => reject(new Error(`closed with ${code}, never open`)), { once: true })
  })
  return socket
}

async function closed(socket: WebSocket): Promise<void> {
  socket.close()
  await next(socket, 'close')
}

/** A socket to the server that sends these texts, of one character each, in one write. */
function rawSocket(rawUrl: string, texts: readonly string[]): WebSocket {
  const frames = texts.map((text) => `8101${text.charCodeAt(0).toString(16)}`)
  return new WebSocket(`${rawUrl}/bytes?hex=${frames.join('')}`)
}

/** Passes on the message of each error that no code caught, until the returned function is called. */
function watchErrors(onError: (message: string) => void): () => void {
  if (isNodeLike()) {
    const onUncaught = ({ message }: Error): void => onError(message)
    process.on('uncaughtException', onUncaught)
    return () => process.off('uncaughtException', onUncaught)
  }
  const onReported = (event: ErrorEvent): void => {
    event.preventDefault()
    onError((event.error as Error).message)
  }
  addEventListener('error', onReported)
  return () => removeEventListener('error', onReported)
}

/** Deno has `process`, too, but reports an error of a listener as browsers do. */
function isNodeLike(): boolean {
  return 'process' in globalThis && !('Deno' in globalThis)
}

/** The events that end a connection. */
async function endOf(socket: WebSocket): Promise<string> {
  const log: string[] = []
  socket.onerror = () => log.push('error')
  log.push(statusOf(await next(socket, 'close')))
  return log.join(', ')
}

function statusOf({ code, reason, wasClean }: { code: number; reason: string; wasClean: boolean }): string {
  return `${code} ${reason} ${wasClean}`
}

function bytesOf(buffer: ArrayBuffer | Uint8Array): string {
  return [...new Uint8Array(buffer as ArrayBuffer)].join()
}

/** Enough time for immediate events. No case depends on nothing happening within it. */
function someTime(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 100))
}
