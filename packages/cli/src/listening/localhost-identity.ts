import { X509Certificate } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TlsServerOptions } from 'twoway/server'
import { CommandFailure } from '../command-failure.js'
import { ownFolder } from '../own-folder.js'

const day = 24 * 60 * 60 * 1000
/** Browsers take none that are good for longer than 398 days. */
const goodFor = 397 * day

/**
 * A certificate for localhost that vouches for itself, and its key: the one that was made before, or a new one where
 * that is missing or about to expire. It is kept, so that whoever trusts it need not do so again at each start.
 */
export async function localhostIdentity(): Promise<TlsServerOptions & { readonly file: string }> {
  try {
    const folder = ownFolder()
    const file = join(folder, 'localhost-cert.pem')
    const keyFile = join(folder, 'localhost-key.pem')
    const kept = read(file, keyFile)
    if (kept !== undefined) return { ...kept, file }
    const made = await make()
    writeFileSync(keyFile, made.key, { mode: 0o600 })
    writeFileSync(file, made.cert)
    return { ...made, file }
  } catch (error) {
    throw new CommandFailure(
      `can't keep a certificate for localhost: ${(error as Error).message}; name another folder by TWOWAY_HOME, or give --cert FILE and --key FILE`,
    )
  }
}

function read(file: string, keyFile: string): { cert: string; key: string } | undefined {
  try {
    const cert = readFileSync(file, 'utf8')
    const key = readFileSync(keyFile, 'utf8')
    return Date.parse(new X509Certificate(cert).validTo) > Date.now() + day ? { cert, key } : undefined
  } catch {
    return undefined
  }
}

async function make(): Promise<{ cert: string; key: string }> {
  // It takes a tenth of a second to load, and most runs need it not.
  const { generate } = await import('selfsigned')
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notAfterDate: new Date(Date.now() + goodFor),
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
          { type: 7, ip: '::1' },
        ],
      },
    ],
  })
  return { cert, key }
}
