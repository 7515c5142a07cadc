import type * as Ws from 'ws'

/** The module under test: ws itself, or the drop-in with the types of ws. */
export type Module = typeof Ws.WebSocket & {
  WebSocket: typeof Ws.WebSocket
  WebSocketServer: typeof Ws.WebSocketServer
  Server: typeof Ws.WebSocketServer
  createWebSocketStream: typeof Ws.createWebSocketStream
  subprotocol: { parse(header: string): Set<string> }
  extension: { parse(header: string): Record<string, Record<string, unknown>[]>; format(offers: object): string }
  Sender: { frame(data: Buffer, options: object): Buffer[] }
}

export interface Row {
  readonly name: string
  /** The result with ws. */
  readonly result: unknown
  run(W: Module): Promise<unknown>
}

export type Socket = Ws.WebSocket
export type Server = Ws.WebSocketServer
