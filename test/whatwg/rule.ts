import type { WebSocket, WebSocketConstructor } from 'twoway'

/** Features that a runtime may lack without fault: a rule that needs one does not apply there. */
export type Capability =
  /** Scripts have a base URL, against which a relative URL is resolved. */
  | 'baseUrl'
  /** Scripts have none: a relative URL is no URL. */
  | 'noBaseUrl'
  /** There is a SharedArrayBuffer. */
  | 'sharedMemory'
  /** An ArrayBuffer can be resized. */
  | 'resizableBuffers'
  /** The code that fires an event can mark it as trusted. */
  | 'trustedEvents'
  /** Promises run after each listener of an event, and not only after the last. */
  | 'promisesBetweenListeners'

/** The subject of the rules: any class WebSocket, on any runtime, and the servers of server.ts. */
export interface Environment {
  readonly WebSocket: WebSocketConstructor
  /** Of the scripted server, such as ws://127.0.0.1:8080, as are the two below. */
  readonly url: string
  /** The URL of the server that sends any given bytes. */
  readonly rawUrl: string
  /** An address without a listener. */
  readonly deafUrl: string
  readonly capabilities: ReadonlySet<Capability>
}

/** A rule of the standard with its test. */
export interface Rule {
  /** Short and unique. */
  readonly id: string
  /** The heading in the standard. */
  readonly section: string
  /** The step within the section, '' where it has none. */
  readonly step: string
  /** The rule in our words. */
  readonly rule: string
  readonly needs?: readonly Capability[]
  run(trial: Trial): void | Promise<void>
}

export type Socket = WebSocket
type EventOf<Type extends 'open' | 'message' | 'error' | 'close'> = Event &
  Parameters<NonNullable<Socket[`on${Type}`]>>[0]

/** The tools of a rule's test. They keep the sockets that it opened, to close them at the end. */
export class Trial {
  readonly #environment: Environment
  readonly #sockets: Socket[] = []
  #isOver = false

  constructor(environment: Environment) {
    this.#environment = environment
  }

  get WebSocket(): WebSocketConstructor {
    return this.#environment.WebSocket
  }

  get url(): string {
    return this.#environment.url
  }

  get rawUrl(): string {
    return this.#environment.rawUrl
  }

  get deafUrl(): string {
    return this.#environment.deafUrl
  }

  /** `new WebSocket(...)` with whatever arguments. */
  make(...parameters: readonly unknown[]): Socket {
    const socket = new this.WebSocket(...(parameters as [string]))
    this.#sockets.push(socket)
    return socket
  }

  connect(path = '/echo', protocols?: string | readonly string[]): Socket {
    return protocols === undefined ? this.make(this.url + path) : this.make(this.url + path, protocols)
  }

  /** A socket to the server that sends these bytes, in one write, behind the head of its answer. */
  connectRaw(bytes: string, more = ''): Socket {
    return this.make(`${this.rawUrl}/bytes?hex=${bytes.replaceAll(' ', '')}${more}`)
  }

  async opened(path?: string, protocols?: string | readonly string[]): Promise<Socket> {
    const socket = this.connect(path, protocols)
    await next(socket, 'open')
    return socket
  }

  /** A socket after its connection failed. */
  async failed(): Promise<Socket> {
    const socket = this.make(this.deafUrl)
    await next(socket, 'close')
    return socket
  }

  /** The server's record of the connection to `/record?id=${id}`, once that is closed. */
  async recorded(id: string): Promise<Recorded> {
    const { data } = await next(this.connect(`/recorded?id=${id}`), 'message')
    return JSON.parse(data as string) as Recorded
  }

  /** Lets other tasks run until this is so. */
  async until(isSo: () => boolean): Promise<void> {
    while (!this.#isOver && !isSo()) await otherTask()
  }

  end(): void {
    this.#isOver = true
    for (const socket of this.#sockets) socket.close()
  }
}

export interface Recorded {
  /** Text as it is, binary as `hex:` and its bytes. */
  readonly messages: readonly string[]
  readonly headers: Readonly<Record<string, string>>
  readonly code: number
  readonly reason: string
  readonly wasClean: boolean
}

/** Resolves with the next event of a type. */
export function next<Type extends 'open' | 'message' | 'error' | 'close'>(
  socket: Socket,
  type: Type,
): Promise<EventOf<Type>> {
  return new Promise((resolve) => {
    socket.addEventListener(type, resolve as () => void, { once: true })
  })
}

/** Writes down each event as it comes: its type and the state it comes in, and of a message its data. */
export function logOf(socket: Socket): string[] {
  const log: string[] = []
  for (const type of ['open', 'message', 'error', 'close']) {
    socket.addEventListener(type, (event: { readonly data?: unknown }) =>
      log.push(type === 'message' ? `message ${String(event.data)}` : `${type} ${socket.readyState}`),
    )
  }
  return log
}

/** Lets other tasks run. */
export function otherTask(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0))
}

let lastId = 0

/** A unique id. */
export function freshId(): string {
  lastId += 1
  return `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}-${lastId}`
}
