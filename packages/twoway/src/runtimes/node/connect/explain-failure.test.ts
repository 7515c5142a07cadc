import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explainFailure } from './explain-failure.js'

function failed(code: string | undefined, message: string): string {
  return explainFailure(Object.assign(new Error(message), { code }))
}

test('says what a code means, and names it', () => {
  assert.equal(failed('ENOTFOUND', 'getaddrinfo ENOTFOUND a'), 'the name is unknown (ENOTFOUND)')
  assert.equal(failed('ENOENT', 'connect ENOENT /a'), 'there is no such socket (ENOENT)')
  assert.match(failed('SELF_SIGNED_CERT_IN_CHAIN', 'self-signed'), /no authority .* option ca \(SELF_SIGNED/)
  assert.match(failed('CERT_HAS_EXPIRED', 'x'), /^its certificate has expired/)
})

test('says that the passphrase may be wrong where its bytes decrypt to no key', () => {
  assert.match(
    failed('ERR_OSSL_UNSUPPORTED', 'error:1E08010C:DECODER routines::unsupported'),
    /^the private key can't be read; if the private key is encrypted: pass its passphrase as the option passphrase, .*\(ERR_OSSL_UNSUPPORTED\)$/,
  )
})

test('gives the message, or the code, of what it does not know', () => {
  assert.equal(failed('EWHATEVER', 'connect EWHATEVER'), 'connect EWHATEVER')
  assert.equal(failed(undefined, 'no code'), 'no code')
  assert.equal(failed('EWHATEVER', ''), 'EWHATEVER')
  assert.equal(failed('toString', 'x'), 'x')
})

test('finds the reason in the messages of OpenSSL', () => {
  const message = (reason: string) =>
    `80AC411C487F0000:error:0A00010B:SSL routines:ssl3_get_record:${reason}:../deps/openssl/ssl3_record.c:350:\n`
  assert.match(failed('ERR_SSL_WRONG_VERSION_NUMBER', message('wrong version number')), /^it does not speak TLS there/)
  for (const reason of ['sslv3 alert handshake failure', 'ssl/tls alert handshake failure']) {
    assert.match(
      failed('EPROTO', `write EPROTO ${message(reason)}`),
      /client's certificate.* \(ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE\)$/,
    )
  }
  assert.equal(failed('ERR_SSL_ODD', message('something odd')), 'something odd')
})
