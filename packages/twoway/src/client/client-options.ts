import type { PerMessageDeflateOptions } from '../core/extensions/permessage-deflate/deflate-options.js'
import { clientLimitOptions } from '../core/limits.js'
import {
  type Check,
  callable,
  either,
  flag,
  integer,
  listOf,
  matching,
  object,
  oneOf,
  secret,
  text,
} from '../core/options/check.js'
import { type Option, option } from '../core/options/option.js'
import { version } from '../core/version.js'
import type {
  CreateConnection,
  EncryptedKey,
  EncryptedPfx,
  LocalOptions,
  Pem,
  TlsClientOptions,
} from '../ports/connector.js'
import type { HeadersLike, PlatformAbortSignal } from '../ports/platform-types.js'
import * as platform from './platform.js'

/** The header fields that a caller adds. */
export type HeadersOption =
  | Readonly<Record<string, string | readonly string[]>>
  | Iterable<readonly string[]>
  | HeadersLike

/** The options of a client beside its limits and those of TLS and the local side, which the port of the connector has. */
export const connectOptions = {
  /** Subprotocols, the preferred first. */
  protocols: option(
    matching<string | readonly string[]>(
      'a subprotocol or a list of them',
      (value) => typeof value === 'string' || (typeof value === 'object' && value !== null && Symbol.iterator in value),
    ),
  ),
  /**
   * Further fields of the request: an object of names and values, where a list of values makes several fields; a list of
   * pairs of name and value; or Headers. Where a redirect leads to another origin they are not sent there.
   */
  headers: option(secret(object<HeadersOption>('an object of names and values, or a list of pairs'))),
  /** The Origin of the request; none by default. */
  origin: option(text()),
  /**
   * The User-Agent of the request, unless `headers` has one; '' sends none.
   * @default 'twoway/VERSION'
   */
  userAgent: option(text("a string, '' for none"), `twoway/${version}`),
  /**
   * Makes the connection in place of the client, as the option of that name of Node's `http.request` does: it is called with
   * the target and the options of TLS, and returns a connected or connecting stream. Over a stream that is not `encrypted`,
   * the client speaks TLS for a `wss:` URL. Not together with `proxy`.
   * @remarks An Agent of Node's makes connections by `(options, callback) => agent.createConnection(options, callback)`.
   */
  createConnection: option(callable<CreateConnection>()),
  /**
   * A proxy to go through, for ws and wss: `http://user:password@host:port`, `https://…` (by CONNECT; for wss, TLS goes
   * through it end to end), `socks5://…`, or `socks5h://…` where the proxy is to look the name up. 'env' takes it from the
   * environment as curl does. None by default.
   * @remarks The environment has it in ws_proxy, http_proxy and all_proxy for ws, and in wss_proxy, https_proxy and all_proxy
   * for wss: the first that is set, in lower or upper case, unless no_proxy excepts the host. Of the options of TLS, an
   * `https:` proxy heeds `ca` alone: its certificate is checked even if `rejectUnauthorized` is false, and it gets no client
   * certificate.
   */
  proxy: option(
    secret(
      matching<string>("'env', or the URL of a proxy by http:, https:, socks5: or socks5h:, without a path", isProxy),
    ),
  ),
  /**
   * Redirects to follow, at most 10. Never followed from wss to ws.
   * @default 0
   * @limit Connecting fails with a HandshakeError that has the redirect's status.
   * @remarks Another origin gets no user and password, no `headers` and no client certificate, and must have a trusted
   * certificate for its name: of the options of TLS, `ca`, `minVersion`, `maxVersion` and `ciphers` hold for it.
   */
  maxRedirects: option(integer(0, 10, 'redirects'), 0),
  /**
   * Offers to compress messages (RFC 7692). An object sets the parameters, and a list of them is several offers, the
   * preferred first. `extensions` says what the server accepted.
   * @default true
   * @remarks Browsers offer it too.
   */
  perMessageDeflate: option<boolean | PerMessageDeflateOptions | readonly PerMessageDeflateOptions[]>(
    either(
      flag(),
      object<PerMessageDeflateOptions | readonly PerMessageDeflateOptions[]>('an object, or a list of objects'),
    ),
    true,
  ),
}

/** Apart, with its type written out: an inferred one names the AbortSignal of the platform, which not all programs have. */
export const signalOption: {
  /** Aborts connecting; without effect once the connection is open. */
  readonly signal: Option<PlatformAbortSignal, undefined>
} = {
  signal: option(
    matching<PlatformAbortSignal>(
      'an AbortSignal',
      (value) => typeof value === 'object' && value !== null && 'aborted' in value && 'addEventListener' in value,
    ),
  ),
}

type TableOf<Options> = { readonly [name in keyof Required<Options>]: Option<Options[name], undefined> }

const pem = matching<Pem>(
  'PEM text or bytes',
  (value) => (typeof value === 'string' && value !== '') || ArrayBuffer.isView(value),
)
const pems = secret(oneOrMore('PEM text, bytes, or a list of these', pem))
const tlsVersion = option(oneOf('TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'))

/** The options of TLS: the port of the connector says what they mean. */
export const tlsOptions: TableOf<TlsClientOptions> = {
  ca: option(pems),
  cert: option(pems),
  key: option(
    secret(
      oneOrMore<Pem, Pem | EncryptedKey>(
        'PEM text, bytes, or a list of these and of objects { pem, passphrase }',
        pem,
        matching('', (value) => isEncrypted('pem', value)),
      ),
    ),
  ),
  passphrase: option(secret(text())),
  pfx: option(
    secret(
      oneOrMore<Pem, Pem | EncryptedPfx>(
        'the bytes of a PKCS #12 file, or a list of these and of objects { buf, passphrase }',
        pem,
        matching('', (value) => isEncrypted('buf', value)),
      ),
    ),
  ),
  servername: option(
    matching<string>('a host name, not an IP address', (value) => typeof value === 'string' && !isAddress(value)),
  ),
  rejectUnauthorized: option(flag()),
  checkServerIdentity: option(callable()),
  minVersion: tlsVersion,
  maxVersion: tlsVersion,
  ciphers: option(
    matching<string>(
      'a string of cipher suites with colons between',
      (value) => typeof value === 'string' && value !== '',
    ),
  ),
}

/** The options of the local side: the port of the connector says what they mean. */
export const localOptions: TableOf<LocalOptions> = {
  lookup: option(callable("a function, such as Node's dns.lookup")),
  family: option(oneOf(0, 4, 6)),
  localAddress: option(
    matching<string>('an IP address', (value) => typeof value === 'string' && value !== '' && isAddress(value)),
  ),
  localPort: option(integer(1, 65_535)),
}

/** All options of a client. */
export const clientTable: typeof connectOptions &
  typeof signalOption &
  typeof tlsOptions &
  typeof localOptions &
  typeof clientLimitOptions = {
  ...connectOptions,
  ...signalOption,
  ...tlsOptions,
  ...localOptions,
  ...clientLimitOptions,
}

/** Takes one value, or a list whose elements one of the checks takes. */
function oneOrMore<One, Element = One>(
  expected: string,
  one: Check<One>,
  other: Check<unknown> = one,
): Check<One | readonly Element[]> {
  return matching(expected, either(one, listOf(either(one, other), '')).accepts)
}

function isEncrypted(name: 'pem' | 'buf', value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { [name]: encrypted, passphrase } = value as Readonly<Record<string, unknown>>
  return pem.accepts(encrypted) && (passphrase === undefined || typeof passphrase === 'string')
}

function isAddress(value: string): boolean {
  return /^[0-9.]*$|:/.test(value)
}

function isProxy(value: unknown): boolean {
  if (value === 'env') return true
  return (
    typeof value === 'string' && /^(?:https?|socks5h?):\/\/[^/?#]+\/?$/i.test(value) && platform.URL.canParse(value)
  )
}
