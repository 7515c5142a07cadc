import { createPrivateKey, randomUUID, X509Certificate } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TlsServerOptions } from 'twoway/server'
import { CommandFailure } from '../command-failure.js'
import { ownFolder } from '../own-folder.js'

const day = 24 * 60 * 60 * 1000
/** Browsers accept no certificate that is valid for more than 398 days. */
const goodFor = 397 * day

/** Does not follow links, and does not wait for the writer of a pipe. Windows has neither flag. */
const openFlags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

/** Permissions that others must not have on the file of a key, and on that of a certificate. */
const rightsOfOthers = 0o077
const writtenByOthers = 0o022

/**
 * A self-signed certificate for localhost and its key. The pair is kept, so that a client needs to trust it only once. A
 * new pair is generated if the old one is missing, about to expire or invalid, or if another user could have read or
 * written the key.
 */
export async function localhostIdentity(): Promise<TlsServerOptions & { readonly file: string }> {
  try {
    const folder = ownFolder()
    const file = join(folder, 'localhost-cert.pem')
    const keyFile = join(folder, 'localhost-key.pem')
    const kept = read(file, keyFile)
    if (kept !== undefined) return { ...kept, file }
    const made = await make()
    replace(keyFile, made.key, 0o600)
    replace(file, made.cert, 0o644)
    return { ...made, file }
  } catch (error) {
    throw new CommandFailure(
      `can't store a certificate for localhost: ${(error as Error).message}; set TWOWAY_HOME to another folder, or give --cert FILE and --key FILE`,
    )
  }
}

/** The stored pair, or undefined if it must not be used. */
function read(file: string, keyFile: string): { cert: string; key: string } | undefined {
  try {
    const cert = readOwn(file, writtenByOthers)
    const key = readOwn(keyFile, rightsOfOthers)
    const parsed = new X509Certificate(cert)
    const isGood = Date.parse(parsed.validFrom) <= Date.now() && Date.parse(parsed.validTo) > Date.now() + day
    return isGood && parsed.checkPrivateKey(createPrivateKey(key)) ? { cert, key } : undefined
  } catch {
    return undefined
  }
}

/** Reads a file that belongs to the user. Throws if it is a link, or if others own it or have one of these permissions. */
function readOwn(file: string, forbidden: number): string {
  const descriptor = openSync(file, openFlags)
  try {
    const stats = fstatSync(descriptor)
    // Windows has no numeric users and no such permissions.
    const user = process.getuid?.() ?? stats.uid
    const isOpen = process.platform !== 'win32' && (stats.mode & forbidden) !== 0
    if (!stats.isFile() || stats.uid !== user || isOpen) throw new Error(`${file} does not belong to the user alone`)
    return readFileSync(descriptor, 'utf8')
  } finally {
    closeSync(descriptor)
  }
}

/** Replaces a file. If the old one is a link, the link is removed and its target is left unchanged. */
function replace(file: string, text: string, mode: number): void {
  const made = `${file}.${randomUUID()}`
  try {
    writeFileSync(made, text, { flag: 'wx', mode })
    renameSync(made, file)
  } catch (error) {
    rmSync(made, { force: true })
    throw error
  }
}

async function make(): Promise<{ cert: string; key: string }> {
  // Loaded only when needed, because most runs do not need it and it loads slowly.
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
