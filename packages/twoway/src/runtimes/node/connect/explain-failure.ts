import { TransportError } from '../../../core/errors.js'

const untrusted =
  "its certificate is signed by no authority that is trusted here: pass the authority's as the option ca"
const wantsCertificate = "the server asks for a client's certificate, or for another one: pass the options cert and key"
const noTls = 'it does not speak TLS there: connect by ws: in place of wss:, or to another port'
const noTlsInCommon = 'both sides have no version of TLS, or no cipher, in common'
const noHttp1 =
  'it refuses HTTP/1.1, which WebSocket needs, in the TLS handshake (ALPN): perhaps it speaks HTTP/2 only there'
const badPem = 'the options ca, cert and key must hold PEM text that belongs together'
const passIt = 'pass its passphrase as the option passphrase, or the right one'
const badPassphrase = `the private key is encrypted: ${passIt}`
const unreadableKey = `the private key can't be read; if the private key is encrypted: ${passIt}`
const badPfxPassphrase = 'the option pfx is encrypted: pass its passphrase as the option passphrase, or the right one'
const badPfx = 'the option pfx must hold a PKCS #12 file'

/** The meaning of the system's and OpenSSL's error codes for a client that connects. */
const words: { readonly [code: string]: string | undefined } = {
  ECONNREFUSED: 'the connection was refused; nothing listens there',
  ENOTFOUND: 'the name is unknown',
  EAI_AGAIN: 'the name could not be looked up now',
  ETIMEDOUT: 'it timed out: there was no answer',
  EHOSTUNREACH: 'the host is unreachable',
  ENETUNREACH: 'the network is unreachable',
  EADDRNOTAVAIL: 'there is no address to connect from',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was reset',
  EACCES: 'it is not permitted',
  EPERM: 'it is not permitted',
  EMFILE: 'this process has too many files and sockets open',
  ENFILE: 'the system has too many files and sockets open',
  ENOENT: 'there is no such socket',
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_GET_ISSUER_CERT: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  CERT_UNTRUSTED: untrusted,
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet; is the clock right?',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name: connect by that name, or pass it as servername',
  ERR_SSL_WRONG_VERSION_NUMBER: noTls,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: noTls,
  ERR_SSL_HTTP_REQUEST: noTls,
  ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL: noHttp1,
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: noTlsInCommon,
  ERR_SSL_UNSUPPORTED_PROTOCOL: noTlsInCommon,
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: wantsCertificate,
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: `${noTlsInCommon}, or ${wantsCertificate}`,
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: wantsCertificate,
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: wantsCertificate,
  ERR_OSSL_PEM_NO_START_LINE: badPem,
  ERR_OSSL_X509_KEY_VALUES_MISMATCH: badPem,
  ERR_OSSL_BAD_DECRYPT: badPassphrase,
  ERR_OSSL_EVP_BAD_DECRYPT: badPassphrase,
  ERR_OSSL_CRYPTO_INTERRUPTED_OR_CANCELLED: badPassphrase,
  ERR_OSSL_PEM_BAD_PASSWORD_READ: badPassphrase,
  // About one in 256 wrong or missing passphrases decrypts to bytes with a valid padding that are no key.
  ERR_OSSL_UNSUPPORTED: unreadableKey,
  ERR_SSL_NO_CIPHER_MATCH: 'the option ciphers names no cipher suite that exists',
  ERR_SSL_NO_PROTOCOLS_AVAILABLE: 'the options minVersion and maxVersion leave no version of TLS',
}

/** The meaning of messages of errors without a code: those of Node about a PKCS #12 file. */
const wordsOfMessages: { readonly [message: string]: string | undefined } = {
  'mac verify failure': badPfxPassphrase,
  'not enough data': badPfx,
  'wrong tag': badPfx,
}

interface SystemError extends Error {
  readonly code?: string | undefined
}

/** Explains an error of the system in words, with its code. */
export function explainFailure(cause: SystemError): string {
  const { code, reason } = openSslError(cause)
  const meaning = Object.hasOwn(words, code) ? words[code] : undefined
  // The error for several addresses that were tried has no message of its own.
  if (meaning === undefined) {
    const { message } = cause
    return (Object.hasOwn(wordsOfMessages, message) && wordsOfMessages[message]) || reason || message || code
  }
  return `${meaning} (${code})`
}

/** The error of a lost connection for which the system reports none. */
export function dropped(): TransportError {
  return new TransportError('the connection was dropped before both sides had ended it')
}

/** The error of a connection that was lost, without a name for its other end. */
export function explainDrop(cause: SystemError): TransportError {
  if (cause instanceof TransportError) return cause
  const isReset = cause.code === 'ECONNRESET' || cause.code === 'EPIPE'
  const message = isReset ? 'the peer has reset the connection' : `the connection failed: ${cause.message}`
  return new TransportError(message, { cause })
}

/**
 * OpenSSL's reason, which a message has between a function and a file of OpenSSL's source, and the code that Node makes
 * from it. For an error while it writes, Node makes EPROTO, so the code comes from the reason. Other errors have only a
 * code.
 */
function openSslError({ code = '', message }: SystemError): { readonly code: string; readonly reason: string } {
  const { 1: reason = '' } = /:SSL routines:[^:]*:([^:]+)/.exec(message) ?? []
  const named = code !== 'EPROTO' || reason === '' ? code : `ERR_SSL_${reason.toUpperCase().replaceAll(' ', '_')}`
  // OpenSSL 3.2 and later, in Node 24 and later, has another name for the alerts of SSL 3.
  return { code: named.replace('SSL_SSL/TLS_', 'SSL_SSLV3_'), reason }
}
