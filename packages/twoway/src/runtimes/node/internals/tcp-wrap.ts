import process from 'node:process'

/** A TCP handle before it is a stream. What returns a number returns 0, or the system's error, which is negative. */
export interface TcpHandle {
  onconnection?: (status: number, handle?: unknown) => void
  bind(address: string, port: number): number
  listen(backlog: number): number
  connect(request: object, address: string, port: number): number
  getsockname(into: { port?: number }): number
  close(): void
}

/** What Node's own sockets are made of. */
export interface TcpWrap {
  readonly TCP: new (type: number) => TcpHandle
  readonly TCPConnectWrap: new () => { oncomplete?: (status: number) => void }
  readonly constants: { readonly SOCKET: number; readonly SERVER: number }
}

/** Throws where there is none. Whether it looks as known of Node shows when it is used. */
export function tcpWrap(): TcpWrap {
  return (process as unknown as { binding(name: string): TcpWrap }).binding('tcp_wrap')
}
