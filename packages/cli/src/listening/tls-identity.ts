import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { TlsServerOptions } from 'twoway/server'
import { CommandFailure } from '../command-failure.js'
import { readAskedFile } from '../read-asked-file.js'

/** Reads a certificate and its key from PEM files. A CommandFailure says what keeps a server from using them. */
export function readTlsIdentity(certFile: string, keyFile: string): TlsServerOptions {
  const cert = read('certificate', certFile, '--cert')
  const key = read('key', keyFile, '--key')
  const leaf = parseCertificate(cert, certFile)
  if (!leaf.checkPrivateKey(parseKey(key, keyFile))) {
    throw new CommandFailure(
      `the key in ${keyFile} does not belong to the certificate in ${certFile}: give the key that it was made with`,
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
  // Node would take DER here, and TLS would then refuse it.
  if (pem.includes('-----BEGIN CERTIFICATE-----')) {
    try {
      return new X509Certificate(pem)
    } catch {
      // Said below.
    }
  }
  throw new CommandFailure(`${file} holds no certificate in PEM: give one with --cert`)
}

function parseKey(pem: string, file: string): KeyObject {
  if (pem.includes('ENCRYPTED')) {
    throw new CommandFailure(`the key in ${file} is encrypted: decrypt it first, with "openssl pkey" for example`)
  }
  try {
    return createPrivateKey(pem)
  } catch {
    throw new CommandFailure(`${file} holds no private key in PEM: give one with --key`)
  }
}
