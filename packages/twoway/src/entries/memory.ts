import { openClientSocket } from '../client/stream/client-stream-socket.js'
import { defineWebSocketStream } from '../client/stream/websocket-stream.js'
import type { WebSocketStreamConstructor } from '../client/stream/websocket-stream-types.js'
import { defineWebSocket } from '../client/websocket/websocket.js'
import type { WebSocketConstructor } from '../client/websocket/websocket-types.js'
import { ScratchPool } from '../core/sending/scratch-pool.js'
import { MemoryNetwork as Network } from '../runtimes/memory/memory-network.js'
import { webClock } from '../runtimes/web/clock.js'
import { hasWebDeflate, webDeflateCodec } from '../runtimes/web/deflate-codec.js'
import { webDiagnostics } from '../runtimes/web/diagnostics.js'
import { webPayload } from '../runtimes/web/payload.js'
import { webRandom } from '../runtimes/web/random.js'
import type { ServeOptions } from '../server/handler-types.js'
import { startServer } from '../server/listening-server.js'
import type { Server } from '../server/server-types.js'

/**
 * A network within the process: `serve`, `WebSocket` and `WebSocketStream` as everywhere else, for tests and for two parts
 * of one program. Each network has its own ports. It has no TLS.
 */
export class MemoryNetwork {
  readonly #network = new Network(webClock)
  readonly #ports = {
    payload: webPayload,
    random: webRandom,
    clock: webClock,
    connector: this.#network,
    httpHost: this.#network,
    diagnostics: webDiagnostics,
    deflateCodec: () => (hasWebDeflate() ? webDeflateCodec : undefined),
    scratchPool: new ScratchPool(webPayload),
    report: (error: unknown) => console.error('twoway: an error that no error handler took:', error),
  }

  readonly WebSocket: WebSocketConstructor = defineWebSocket(this.#ports)
  readonly WebSocketStream: WebSocketStreamConstructor = defineWebSocketStream(openClientSocket(this.#ports))

  serve<Data = undefined, const Path extends string = string>(
    options: ServeOptions<Data, Path>,
  ): Promise<Server<Data>> {
    return startServer(options as unknown as ServeOptions<Data>, this.#ports)
  }
}
