import { Socket } from 'node:net'
import { namesOfTaken } from './stand-in-handle.js'

/** Fills a hollow socket when code uses it. */
export interface Filling {
  fill(socket: Socket): void
}

const filling = Symbol('filling')

type Hollow = Socket & { [filling]?: Filling | undefined }

/** The prototype of hollow sockets. Undefined if the constructor of Node's sockets does not initialize other objects. */
const hollowPrototype = makePrototype()

export function hasHollowSockets(): boolean {
  return hollowPrototype !== undefined
}

/**
 * Makes an object that becomes a socket once code reads or writes one of a socket's own properties, as each of its methods
 * does. Until then it takes little memory. Only if `hasHollowSockets()`.
 */
export function hollowSocket(content: Filling): Socket {
  const socket: Hollow = Object.create(hollowPrototype!)
  socket[filling] = content
  return socket
}

/** The object that fills, or has filled, a hollow socket; undefined for any other stream. */
export function contentOf(stream: object): Filling | undefined {
  return (stream as Hollow)[filling]
}

/** Makes a hollow socket a socket without a handle. Changes no other socket. */
export function fillSocket(socket: Socket): void {
  if (Object.getPrototypeOf(socket) !== hollowPrototype) return
  const content = (socket as Hollow)[filling]
  Object.setPrototypeOf(socket, Socket.prototype)
  initialize(socket)
  content?.fill(socket)
}

function initialize(socket: Socket): void {
  const construct = Socket as unknown as (this: Socket, options: object) => void
  construct.call(socket, { allowHalfOpen: true })
}

function makePrototype(): object | undefined {
  const sample: Socket = Object.create(Socket.prototype)
  try {
    initialize(sample)
  } catch {
    return undefined
  }
  const prototype: object = Object.create(Socket.prototype)
  for (const key of Reflect.ownKeys(sample)) {
    Object.defineProperty(prototype, key, {
      get(this: Socket): unknown {
        fillSocket(this)
        return Reflect.get(this, key)
      },
      set(this: Socket, value: unknown) {
        fillSocket(this)
        Reflect.set(this, key, value)
      },
      configurable: true,
    })
  }
  // A filled socket has others, see `TakenSocket`.
  for (const name of namesOfTaken) {
    Object.defineProperty(prototype, name, {
      value(this: Socket, ...values: unknown[]): unknown {
        fillSocket(this)
        return Reflect.apply(Reflect.get(this, name), this, values)
      },
      configurable: true,
      writable: true,
    })
  }
  return prototype
}
