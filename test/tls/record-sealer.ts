import { createCipheriv, createHmac } from 'node:crypto'

export const handshake = 22
export const alert = 21
export const applicationData = 23

/** The only cipher suite of TLS 1.3 that the sealer supports. */
export const sealerCipher = 'TLS_AES_128_GCM_SHA256'

/** Seals records of TLS 1.3 with any content, as one side of a connection (RFC 8446 §5.2). */
export class RecordSealer {
  #secret: Buffer
  #key: Buffer
  #iv: Buffer
  #sequence: number

  /** @param sequence the number of records that the side has already sealed with this secret */
  constructor(secret: Buffer, sequence = 0) {
    this.#secret = secret
    this.#key = expand(secret, 'key', 16)
    this.#iv = expand(secret, 'iv', 12)
    this.#sequence = sequence
  }

  seal(type: number, content: Uint8Array): Buffer {
    const nonce = Buffer.from(this.#iv)
    nonce.writeUInt32BE((nonce.readUInt32BE(8) ^ this.#sequence) >>> 0, 8)
    this.#sequence += 1
    const head = Buffer.from([applicationData, 3, 3, 0, 0])
    head.writeUInt16BE(content.length + 1 + 16, 3)
    const cipher = createCipheriv('aes-128-gcm', this.#key, nonce)
    cipher.setAAD(head)
    return Buffer.concat([
      head,
      cipher.update(content),
      cipher.update(Buffer.of(type)),
      cipher.final(),
      cipher.getAuthTag(),
    ])
  }

  /** A KeyUpdate, after which this side seals with the next key (§7.2). */
  updateKey(asksForTheOthers: boolean): Buffer {
    const record = this.seal(handshake, Buffer.of(24, 0, 0, 1, asksForTheOthers ? 1 : 0))
    this.#secret = expand(this.#secret, 'traffic upd', 32)
    this.#key = expand(this.#secret, 'key', 16)
    this.#iv = expand(this.#secret, 'iv', 12)
    this.#sequence = 0
    return record
  }
}

/** HKDF-Expand-Label, limited to one block (§7.1). */
function expand(secret: Buffer, label: string, length: number): Buffer {
  const name = Buffer.from(`tls13 ${label}`)
  const info = Buffer.concat([Buffer.of(0, length, name.length), name, Buffer.of(0, 1)])
  return createHmac('sha256', secret).update(info).digest().subarray(0, length)
}
