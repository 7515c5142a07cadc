import process from 'node:process'

/** A TCP handle before it is a stream. Each method that returns a number returns 0, or the system's error as a negative number. */
export interface TcpHandle {
  onconnection?: (status: number, handle?: unknown) => void
  bind(address: string, port: number): number
  listen(backlog: number): number
  connect(request: object, address: string, port: number): number
  getsockname(into: { port?: number }): number
  close(): void
}

/** The private parts of which Node's sockets consist. */
export interface TcpWrap {
  readonly TCP: new (type: number) => TcpHandle
  readonly TCPConnectWrap: new () => { oncomplete?: (status: number) => void }
  readonly constants: { readonly SOCKET: number; readonly SERVER: number }
}

/** Throws if the runtime has no such module. Its use shows whether it has the known shape. */
export function tcpWrap(): TcpWrap {
  return (process as unknown as { binding(name: string): TcpWrap }).binding('tcp_wrap')
}
