import type { PerMessageDeflateOptions } from '../core/extensions/permessage-deflate/deflate-options.js'
import {
  callable,
  count,
  either,
  flag,
  integer,
  listOf,
  matching,
  object,
  oneOf,
  secret,
} from '../core/options/check.js'
import { type Option, option } from '../core/options/option.js'
import type { TlsServerOptions } from '../ports/http-host.js'
import type { IncomingRequest } from './handshake/incoming-request.js'
import type { Middleware } from './node-types.js'
import { isTrustedProxies, type TrustedProxiesOption } from './proxies/trusted-proxies.js'

/** An origin as browsers send it, RFC 6454 §6.1: `null`, or a scheme and a host, with a port that is not the scheme's own. */
const isOrigin = (value: unknown): boolean =>
  typeof value === 'string' && /^(?:null|[a-z][a-z0-9+.-]*:\/\/(?:[\w.-]+|\[[0-9a-f:.]+\])(?::\d+)?)$/i.test(value)

/** The origin of a URL that is written in its place, such as one with a slash at its end. */
const originOf = (value: unknown): string | undefined => {
  const origin = typeof value === 'string' ? /^[a-z][a-z0-9+.-]*:\/\/[^/?#]+/i.exec(value)?.[0] : undefined
  return isOrigin(origin) ? origin : undefined
}

/** The name of a Host without its port. */
const isHostName = (value: unknown): boolean =>
  typeof value === 'string' && /^(?:[\w.-]+|\[[0-9a-f:.]+\])$/i.test(value)

/** The name in a URL, or in a Host with its port, that is written in the place of a name. */
const hostNameOf = (value: unknown): string | undefined => {
  if (typeof value !== 'string') return undefined
  const name = /^(?:[a-z][a-z0-9+.-]*:\/\/)?(\[[^\]]*\]|[^/?#:]+)(?::\d+)?(?:[/?#]|$)/i.exec(value)?.[1]
  return isHostName(name) ? name : undefined
}

/** The options of every server, whether it listens or is attached; `serverLimitOptions` are the rest. */
export const commonOptions = {
  /**
   * The pages that may connect, by their Origin. By default, these are the pages of http or https with the request's own
   * host and port. A list of origins such as 'https://example.com' adds these; 'any' accepts all. A client without an Origin
   * is not a browser, and is accepted.
   * @default []
   * @limit Others are answered 403.
   * @remarks If Host has no port and the server no TLS, a page of https is accepted too, because a proxy may end TLS. Pages
   * from files and in sandboxed frames all have the origin 'null'.
   */
  origin: option<'any' | readonly string[]>(
    either(
      oneOf('any'),
      listOf(
        { ...matching('an origin', isOrigin), correct: originOf },
        "origins such as 'https://example.com', without a path",
      ),
    ),
    [],
  ),
  /**
   * The names that the server answers to, by a request's Host. By default any; but on an address of this machine alone
   * (127.0.0.1, ::1) only such addresses and localhost. A list of names such as 'example.com', in any case, adds these;
   * 'any' takes all.
   * @default []
   * @limit Others are answered 421.
   * @remarks A page can't reach a local server by a name of its own (DNS rebinding).
   */
  hosts: option<'any' | readonly string[]>(
    either(
      oneOf('any'),
      listOf(
        { ...matching('a name', isHostName), correct: hostNameOf },
        "names such as 'example.com', without a scheme, a port or *",
      ),
    ),
    [],
  ),
  /**
   * The proxies in front of the server whose word on their clients counts. From them Forwarded (RFC 7239), or X-Forwarded-For,
   * -Proto, -Host and -Port, decide `remoteAddress`, the `url` of a request, the checks of `origin` and `hosts`, and the
   * address of `maxHandshakesPerSecond`. From anyone else these fields have no effect.
   *
   * Addresses and subnets ('10.1.0.0/16', '2001:db8::/32'), or 'loopback' (127.0.0.0/8, ::1), 'private' (addresses of local
   * networks) and 'unix' (peers of a Unix socket). A number instead says how many proxies every request passes, for proxies
   * whose addresses change: use it only where nothing else reaches the server.
   * @default []
   * @limit A request of a trusted proxy is answered 400 if its Forwarded is malformed, or contradicts its X-Forwarded fields.
   * @remarks The fields are read from the right, as each proxy adds at the end: the nearest address that is not trusted is the
   * client's. It is undefined if a trusted proxy does not tell it (`unknown`, `_hidden`). If a peer on this machine or in a
   * private network sends such fields and is not trusted, `error` gets one TransportError ('forwardingIgnored'), unless the
   * option is 0. Middleware of `use` has the request of
   * node:http, with the proxy's address: set `trust proxy` of Express for it.
   */
  trustedProxies: option<TrustedProxiesOption>(
    matching(
      "a number of proxies from 0 to 32, or an address, a subnet, 'loopback', 'private' or 'unix', or a list of these",
      isTrustedProxies,
    ),
    [],
  ),
  /**
   * The fate of a message when more than `maxBufferedBytes` wait already: 'close' closes the connection with 1013; 'drop'
   * drops the message, and `send` answers 'dropped'.
   * @default 'close'
   */
  whenBufferFull: option(oneOf('close', 'drop'), 'close'),
  /**
   * Compresses messages for clients that support it (RFC 7692). An object sets the parameters. Without one, each message is
   * compressed independently, so a connection keeps no compression context.
   * @default false
   */
  perMessageDeflate: option<boolean | PerMessageDeflateOptions>(
    either(flag(), object<PerMessageDeflateOptions>()),
    false,
  ),
  /**
   * Whether the next message of a connection waits for the promise that `open` or `message` returned. The server does not
   * read from the connection meanwhile.
   * @default false
   * @remarks With `true`, a handler that waits for a further message of the same peer waits forever.
   */
  sequential: option(flag(), false),
  /**
   * Whether the time that each handler takes is measured, for the histograms of `metrics()`. It reads the clock twice for
   * each call of a handler.
   * @default false
   */
  measureHandlers: option(flag(), false),
  /**
   * Whether the memory of long messages is tuned in this thread. `metrics().memoryTuning` reports it.
   * @default true
   * @remarks On Node, the tuning lets glibc keep freed memory, has V8 collect its young generation in time, and decodes long
   * texts to V8's heap (docs/explanation/memory.md). `false` switches it off for all servers and clients of the thread,
   * for good: if two servers differ, `false` wins. TWOWAY_TUNE_MEMORY=0 in the environment switches it off in all threads of
   * a process.
   */
  tuneMemory: option(flag(), true),
}

/** The options that say where a server listens. `port` and `host`, `socketPath` and `handle` exclude each other. */
export const listenOptions = {
  /**
   * The port to listen on; 0 lets the system choose one.
   * @default 8_080
   */
  port: option(integer(0, 65_535), 8080),
  /**
   * The address to listen on; 0.0.0.0 or :: for all.
   * @default '127.0.0.1'
   */
  host: option(
    matching<string>('a name or an IP address', (value) => typeof value === 'string' && value !== ''),
    '127.0.0.1',
  ),
  /**
   * The path of a Unix socket to listen on. The server creates the file, and removes it when it closes.
   * @remarks If a killed process has left the file behind, the error is EADDRINUSE and says that nothing answers on it.
   */
  socketPath: option(
    matching<string>(
      'the path of a Unix socket',
      (value) => typeof value === 'string' && value !== '' && !value.includes('\0'),
    ),
  ),
  /**
   * A socket that already listens: `{ fd: 3 }` for a descriptor that the process was started with (systemd's socket
   * activation), or a server of node:net, such as one that another process sent.
   */
  handle: option(
    matching<object>(
      'a server or socket of node:net, or an object with fd',
      (value) => (typeof value === 'object' && value !== null) || typeof value === 'function',
    ),
  ),
  /**
   * Connections that may wait to be accepted. The system may lower the number.
   * @default the runtime's: 511 on Node
   */
  backlog: option(count('connections')),
  /**
   * Lets several processes listen on one port, among which the system distributes connections (SO_REUSEPORT). Needs Node
   * 22.12, or 23.1 and later, and a system that has it, such as Linux.
   * @default the runtime's: false
   */
  reusePort: option(flag()),
  /**
   * Whether each connection begins with a header of the PROXY protocol, version 1 or 2, as a proxy of TCP sends it (HAProxy's
   * `send-proxy`, `proxy_protocol on` of nginx's stream module, load balancers). The header's source address becomes that of
   * the client. It comes before TLS, and its type-length-values are skipped. Needs `trustedProxies`.
   * @default false
   * @limit A connection that is not from `trustedProxies`, or has no valid header within `handshakeTimeoutMs`, is dropped;
   * `error` gets a TransportError ('proxyNotTrusted', 'proxyHeaderInvalid'), each code once a minute. A header of version 2 may
   * have 4,096 bytes.
   * @remarks For the proxy's own connections (LOCAL), and clients that it does not name (UNKNOWN), the address is the proxy's. A
   * client that the header names is trusted with Forwarded fields only if it is one of `trustedProxies` itself.
   */
  proxyProtocol: option(flag(), false),
  /** Speaks TLS (wss) with this identity: `cert` and `key` as PEM, or `pfx`; `ca` and `passphrase` besides. */
  tls: option(
    secret(
      matching<TlsServerOptions>(
        'an object with cert and key, or with pfx',
        (value) =>
          typeof value === 'object' && value !== null && (('cert' in value && 'key' in value) || 'pfx' in value),
      ),
    ),
  ),
}

/** The option that selects the handshakes that a server takes. */
export const routeOptions = {
  /**
   * The handshakes to take: those of a path such as '/chat' or of a pattern such as '/rooms/:id' or '/files/*', or those for
   * which a function returns true. Without the option, the server takes all. The query does not count, but a slash at the end
   * does: '/chat{/}?' takes both. The syntax is that of URLPattern without regular expressions and repetitions: docs/how-to/sessions.md.
   * @limit `serve` answers others 404; `attach` leaves them to the app.
   * @remarks Of several attachments, an equal path goes before a pattern, and the more specific pattern before others; both
   * go before a function, the one that was attached first before others; and all of them before an attachment without a path.
   */
  path: option<string | ((request: IncomingRequest) => boolean)>(
    either(
      matching<string>(
        "a path such as '/chat' or a pattern such as '/rooms/:id'",
        (value) => typeof value === 'string' && value.startsWith('/'),
      ),
      callable<(request: IncomingRequest) => boolean>('a function of the request'),
    ),
  ),
}

/** The options of servers whose requests an app's HTTP server parses. */
export const handedOptions = {
  /**
   * Middleware in the style of connect, `(request, response, next)`, to run before `upgrade`, such as express-session,
   * cookie-session and passport. Header fields that it sets go into the 101, or into the refusal. A response that it ends
   * refuses the client. An error that it throws or passes to `next` goes to `error`, and the client gets a 500.
   * @default []
   * @limit Middleware, `upgrade` and the end of the response together have `handshakeTimeoutMs`; then the client gets a 503,
   * and `error` the name of the function that did not call `next` ('middlewareTooLate').
   */
  // The assertion keeps the name of the type, which takes narrower requests, in the declarations.
  use: option<readonly Middleware[]>(listOf(callable<Middleware>(), 'functions'), []) as Option<readonly Middleware[]>,
}
