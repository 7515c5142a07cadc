import { generate } from 'selfsigned'
import type { Certificate } from './certificate.js'

export interface CertificateOptions {
  /** The names of the certificate; localhost and 127.0.0.1 by default. */
  readonly names?: readonly string[]
  readonly notBefore?: Date
  readonly notAfter?: Date
}

/** A certificate authority for tests, which no system trusts. */
export interface Authority {
  readonly cert: string
  issue(options?: CertificateOptions): Promise<Certificate>
}

let made: Promise<Authority> | undefined

/** One authority for all tests of a process. */
export function testAuthority(): Promise<Authority> {
  made ??= makeAuthority()
  return made
}

async function makeAuthority(): Promise<Authority> {
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'Twoway test authority' }], {
    algorithm: 'sha256',
    keyType: 'ec',
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  })
  return {
    cert,
    async issue({ names = ['localhost', '127.0.0.1'], notBefore, notAfter } = {}) {
      const issued = await generate([{ name: 'commonName', value: names[0]! }], {
        algorithm: 'sha256',
        keyType: 'ec',
        ca: { cert, key },
        ...(notBefore === undefined ? {} : { notBeforeDate: notBefore }),
        ...(notAfter === undefined ? {} : { notAfterDate: notAfter }),
        extensions: [
          { name: 'basicConstraints', cA: false },
          { name: 'keyUsage', digitalSignature: true },
          { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
          {
            name: 'subjectAltName',
            altNames: names.map((name) => (/^[\d.]+$/.test(name) ? { type: 7, ip: name } : { type: 2, value: name })),
          },
        ],
      })
      return { cert: issued.cert, key: issued.private }
    },
  }
}
