// Code of servers in an application that must compile: parameters by the literal path, and node:http's request.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { attach, serve, upgrader } from 'twoway/server'
import { check, type Same } from './same.js'

declare global {
  // biome-ignore lint/style/noNamespace: as @types/express-session has it.
  namespace Express {
    // As @types/express-session does.
    interface Request {
      readonly session: { readonly user: string }
    }
  }
}

declare const path: string
declare function session(request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void): void
declare function ofExpress(
  request: IncomingMessage & Express.Request & { readonly app: object },
  response: ServerResponse & { json(value: unknown): void },
  next: { (error?: unknown): void; (defer: 'router'): void },
): void

const app = createServer()

export const rooms = attach(app, {
  path: '/rooms/:id/:tab?',
  use: [session, ofExpress, (request, response, next) => next(request.url === '' && response.headersSent)],
  upgrade(request, { nodeRequest }) {
    const { id, tab } = request.params
    check<Same<typeof id, string>>()
    check<Same<typeof tab, string | undefined>>()
    const message: IncomingMessage = nodeRequest
    const cookie: string | undefined = request.cookies.sid
    return { data: { user: nodeRequest.session.user, id, address: message.socket.remoteAddress, cookie } }
  },
  open({ data }) {
    check<Same<typeof data.user, string>>()
    check<Same<typeof data.address, string | undefined>>()
  },
})

export const files = serve({
  path: '/files/:name.:kind/*',
  upgrade({ params }) {
    const all: readonly [string, string, string] = [params.name, params.kind, params[0]]
    return { data: all }
  },
})

export const any = serve({
  path,
  upgrade({ params }) {
    // A compiler without noUncheckedIndexedAccess takes it for a string.
    const id: string | undefined = params.id
    return { data: id }
  },
})

export async function accepted(request: IncomingMessage): Promise<void> {
  const upgrades = upgrader<{ readonly user: string }>({
    open: ({ data }) => check<Same<typeof data.user, string>>(),
  })
  const socket = await upgrades.accept(request, request.socket, new Uint8Array(0), { data: { user: 'Ann' } })
  check<Same<NonNullable<typeof socket>['data']['user'], string>>()
  app.on('upgrade', upgrades.handleUpgrade)
  // @ts-expect-error the data has no such member
  await upgrades.accept(request, request.socket, undefined, { data: { group: 1 } })
}
