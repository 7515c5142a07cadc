import { arrayBufferOf } from './array-buffer-of.js'
import type { CrosswsPeer } from './crossws-peer.js'
import * as platform from './platform.js'

/** A message as hooks of crossws get it. */
export class CrosswsMessage {
  readonly rawData: string | Uint8Array
  readonly peer: CrosswsPeer
  #id: string | undefined

  constructor(rawData: string | Uint8Array, peer: CrosswsPeer) {
    this.rawData = rawData
    this.peer = peer
  }

  get id(): string {
    this.#id ??= platform.randomId()
    return this.#id
  }

  get data(): string | Uint8Array {
    return this.rawData
  }

  text(): string {
    return platform.textOf(this.rawData)
  }

  json(): unknown {
    return JSON.parse(this.text())
  }

  uint8Array(): Uint8Array {
    return platform.bytesOf(this.rawData)
  }

  arrayBuffer(): ArrayBuffer {
    return arrayBufferOf(this.uint8Array())
  }

  blob(): Blob {
    return platform.newBlob(this.uint8Array())
  }

  toString(): string {
    return this.text()
  }
}
