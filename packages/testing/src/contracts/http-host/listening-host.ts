import type { TestContext } from 'node:test'
import type { Connector, TlsClientOptions } from '../../../../twoway/dist/ports/connector.js'
import type {
  HttpHost,
  HttpListener,
  ListenOptions,
  TlsServerOptions,
} from '../../../../twoway/dist/ports/http-host.js'
import { HttpClient } from '../../harnesses/http-client.js'
import { RecordingHandler } from '../../harnesses/recording-handler.js'

/** An implementation of the HTTP host port, and the way to connect to it. */
export interface HttpHostSubject {
  readonly host: HttpHost
  readonly connector: Connector
  readonly serverTls?: TlsServerOptions
  readonly clientTls?: TlsClientOptions
}

/** A host that listens until the end of the test. */
export interface ListeningHost {
  readonly subject: HttpHostSubject
  readonly handler: RecordingHandler
  readonly listener: HttpListener
  readonly listenOptions: ListenOptions
  /** Connects a client. */
  open(): HttpClient
}

export type Listen = (context: TestContext, options?: Partial<ListenOptions>) => Promise<ListeningHost>

/** A handshake without the empty line that ends its head. */
export const handshake =
  'GET /chat?x=%20 HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n'

/** A short time. */
export const shortTimeMs = 60

/** Returns the function that starts such a host. */
export function listenerOf(makeSubject: () => Promise<HttpHostSubject>): Listen {
  return async (context, options = {}) => {
    const subject = await makeSubject()
    const handler = new RecordingHandler()
    const listenOptions: ListenOptions = {
      port: 0,
      host: '127.0.0.1',
      tls: subject.serverTls,
      handshakeTimeoutMs: 20_000,
      maxHeadBytes: 2048,
      maxHeaderFields: 10,
      maxRequests: 100,
      requestTimeoutMs: 20_000,
      ...options,
    }
    const listener = await subject.host.listen(listenOptions, handler)
    context.after(() => listener.close())
    // A host does not keep the process alive for a client; the client's socket does. A network in memory has no socket.
    const alive = setTimeout(() => {}, 20_000)
    context.after(() => clearTimeout(alive))
    const open = (): HttpClient => {
      const transport = subject.connector.connect({ host: '127.0.0.1', port: listener.port, tls: subject.clientTls })
      context.after(() => transport.destroy())
      return new HttpClient(transport)
    }
    return { subject, handler, listener, listenOptions, open }
  }
}
