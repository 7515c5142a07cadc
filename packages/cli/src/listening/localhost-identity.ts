import { createPrivateKey, randomUUID, X509Certificate } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TlsServerOptions } from 'twoway/server'
import { CommandFailure } from '../command-failure.js'
import { ownFolder } from '../own-folder.js'

const day = 24 * 60 * 60 * 1000
/** Browsers take none that are good for longer than 398 days. */
const goodFor = 397 * day

/** Without waiting for who writes a pipe. Windows has neither. */
const openFlags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

/** Rights of a key's file that others than its owner must not have, and of a certificate's. */
const rightsOfOthers = 0o077
const writtenByOthers = 0o022

/**
 * A certificate for localhost that vouches for itself, and its key: the one that was made before, or a new one where
 * that is missing, about to expire, does not fit, or others than the user could have read the key or put it there. It
 * is kept, so that whoever trusts it need not do so again at each start.
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
      `can't keep a certificate for localhost: ${(error as Error).message}; name another folder by TWOWAY_HOME, or give --cert FILE and --key FILE`,
    )
  }
}

/** The pair that is kept, or undefined where it is not to be used. */
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

/** Reads a file of the user's own. Throws where it is a link, another's, or others have one of these rights. */
function readOwn(file: string, forbidden: number): string {
  const descriptor = openSync(file, openFlags)
  try {
    const stats = fstatSync(descriptor)
    // Windows has no users by number, nor their rights.
    const user = process.getuid?.() ?? stats.uid
    const isOpen = process.platform !== 'win32' && (stats.mode & forbidden) !== 0
    if (!stats.isFile() || stats.uid !== user || isOpen) throw new Error(`${file} is not the user's own`)
    return readFileSync(descriptor, 'utf8')
  } finally {
    closeSync(descriptor)
  }
}

/** Puts a new file in the place of what is there, which may be a link: that goes, and where it leads to stays. */
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
