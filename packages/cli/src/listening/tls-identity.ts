import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { TlsServerOptions } from 'twoway/server'
import { CommandFailure } from '../command-failure.js'
import { readAskedFile } from '../read-asked-file.js'

/** Reads a certificate and its key from PEM files. A CommandFailure says why a server can't use them. */
export function readTlsIdentity(certFile: string, keyFile: string): TlsServerOptions {
  const cert = read('certificate', certFile, '--cert')
  const key = read('key', keyFile, '--key')
  const leaf = parseCertificate(cert, certFile)
  if (!leaf.checkPrivateKey(parseKey(key, keyFile))) {
    throw new CommandFailure(
      `the key in ${keyFile} does not match the certificate in ${certFile}: give the key of this certificate`,
    )
  }
  try {
    createSecureContext({ cert, key })
  } catch (error) {
    throw new CommandFailure(`TLS can't use the certificate in ${certFile}: ${(error as Error).message}`)
  }
  return { cert, key }
}

function read(what: string, file: string, option: string): string {
  return readAskedFile(`the ${what}`, file, `give a PEM file with ${option}`).toString()
}

function parseCertificate(pem: string, file: string): X509Certificate {
  // Node would accept DER here, but TLS would refuse it later.
  if (pem.includes('-----BEGIN CERTIFICATE-----')) {
    try {
      return new X509Certificate(pem)
    } catch {
      // Reported below.
    }
  }
  throw new CommandFailure(`${file} contains no certificate in PEM: give one with --cert`)
}

function parseKey(pem: string, file: string): KeyObject {
  if (pem.includes('ENCRYPTED')) {
    throw new CommandFailure(`the key in ${file} is encrypted: decrypt it first, for example with "openssl pkey"`)
  }
  try {
    return createPrivateKey(pem)
  } catch {
    throw new CommandFailure(`${file} contains no private key in PEM: give one with --key`)
  }
}
