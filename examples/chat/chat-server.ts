/** The server of the chat: a hub, the page, and a file that keeps the messages over a restart. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { createHub, HubError, type RequestContext, type ResumableBroker, type StandardSchema } from 'twoway/hub'
import { type HttpAnswer, type Server, serve } from 'twoway/server'

export interface ChatMessage {
  /** Made by the page. A message that is sent again keeps it. */
  readonly id: string
  readonly text: string
}

const rooms = ['lobby', 'garden', 'workshop']

/** Checks a message. Any library with the interface Standard Schema does this shorter. */
const chatMessage: StandardSchema<unknown, ChatMessage> = {
  '~standard': {
    version: 1,
    vendor: 'example',
    validate(value) {
      const { id, text } = (value ?? {}) as Partial<Record<keyof ChatMessage, unknown>>
      if (typeof id !== 'string' || id.length > 64) return { issues: [{ message: 'an id is missing', path: ['id'] }] }
      if (typeof text !== 'string' || text.trim() === '')
        return { issues: [{ message: 'a text is missing', path: ['text'] }] }
      if (text.length > 2000) return { issues: [{ message: 'at most 2000 characters', path: ['text'] }] }
      return { value: { id, text } }
    },
  },
}

export interface ChatOptions {
  readonly port: number
  /** The file that keeps the messages; undefined for none, as in a worker, whose parent keeps them. */
  readonly file?: string | undefined
  /** The broker that keeps the messages for several machines. */
  readonly broker?: ResumableBroker | undefined
  /** This machine among others, for the page. */
  readonly machines?: ChatMachines | undefined
}

export interface ChatMachines {
  readonly node: number
  readonly nodes: number
  readonly broker: string
  /** Has a process killed, which is then started again. */
  kill(victim: 'node' | 'broker'): void
}

export async function startChat({ port, file, broker, machines }: ChatOptions): Promise<Server> {
  const hub = createHub({
    broker,
    // While the broker is away, each node would print that several times a second.
    error: machines && ((error) => console.log(`Node ${machines.node}: ${(error as Error).message}`)),
    topics: {
      'room.*': { publish: true, presence: true, schema: chatMessage },
      'read.*': {},
      'typing.*': { publish: true, store: false },
      'cursor.*': { publish: true, store: false },
    },
    requests: {
      rooms: () => rooms,
      /** The machines that the chat runs on; null for one. */
      machines: () => machines && { node: machines.node, nodes: machines.nodes, broker: machines.broker },
      kill(victim: unknown) {
        if (victim !== 'node' && victim !== 'broker') throw new HubError('invalid', 'kill takes "node" or "broker"')
        machines?.kill(victim)
      },
      /** This user has read the room up to a message. */
      async read({ room, id }: { room: string; id: string }, { client }: RequestContext) {
        if (!rooms.includes(room)) throw new HubError('invalid', 'there is no such room', { path: ['room'] })
        await hub.publish(`read.${room}`, { user: client.user, id })
      },
    },
    authenticate({ token }) {
      const name = (token as { name?: unknown } | null)?.name
      if (typeof name !== 'string' || name.trim() === '' || name.length > 30) {
        throw new HubError('unauthorized', 'a name has 1 to 30 characters')
      }
      return { user: name }
    },
  })
  if (file !== undefined) await keepIn(file)
  return serve({ port, ...hub.handlers(), request: ({ url }) => answer(new URL(url).pathname) })

  /** Publishes the messages of the file, and adds later ones to it. A message is in the file before it is confirmed. */
  async function keepIn(path: string): Promise<void> {
    if (existsSync(path)) {
      for (const line of readFileSync(path, 'utf8').split('\n')) {
        if (line === '') continue
        const { room, from, ...message } = JSON.parse(line) as ChatMessage & { room: string; from: string }
        await hub.publish(room, { ...message, by: from }, { key: message.id })
      }
    }
    await hub.subscribe('room.*', ({ topic, data, from }) => {
      appendFileSync(path, `${JSON.stringify({ room: topic, from, ...(data as unknown as ChatMessage) })}\n`)
    })
  }
}

const types: Readonly<Record<string, string>> = { html: 'text/html', css: 'text/css', js: 'text/javascript' }
const source = new URL('../../chat/page/', import.meta.url)
const compiled = new URL('./page/', import.meta.url)
const library = new URL('../', import.meta.resolve('twoway/link'))

/** The page and its modules. The page finds the library by its import map. */
function answer(path: string): HttpAnswer {
  const file =
    path === '/'
      ? new URL('index.html', source)
      : path === '/style.css'
        ? new URL('style.css', source)
        : /^\/page\/\w+\.js$/.test(path)
          ? new URL(path.slice('/page/'.length), compiled)
          : /^\/twoway(\/[\w-]+)+\.js$/.test(path)
            ? new URL(path.slice('/twoway/'.length), library)
            : undefined
  if (file === undefined || !existsSync(file)) return { status: 404, body: 'Not found' }
  const type = types[file.pathname.slice(file.pathname.lastIndexOf('.') + 1)]!
  return {
    status: 200,
    headers: { 'Content-Type': `${type}; charset=utf-8`, 'Cache-Control': 'no-cache' },
    body: readFileSync(file),
  }
}
