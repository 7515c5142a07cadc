import { generate } from 'selfsigned'

export interface Certificate {
  readonly cert: string
  readonly key: string
}

let made: Promise<Certificate> | undefined

/** A self-signed certificate for localhost and 127.0.0.1; one for all tests of a process. */
export function selfSignedCertificate(): Promise<Certificate> {
  made ??= generate([{ name: 'commonName', value: 'localhost' }], {
    algorithm: 'sha256',
    keyType: 'ec',
    extensions: [
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
        ],
      },
    ],
  }).then(({ cert, private: key }) => ({ cert, key }))
  return made
}
