import { Duplex } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { TransportError } from '../../core/errors.js'
import type { MessagePipe } from '../../core/message-pipe.js'

export interface DuplexOptions {
  /**
   * Whether a chunk is a message, both ways: a string for text, bytes for binary. Otherwise the stream is one of bytes: text
   * is read as its UTF-8, and the boundaries of messages do not count.
   * @default false
   * @remarks Of a binary stream, chunks that are corked or have waited are written as messages of up to 64 KiB.
   */
  readonly objectMode?: boolean | undefined
  /**
   * The kind of the messages that a stream of bytes writes. Text that is cut within a character is put together.
   * @default 'binary'
   */
  readonly type?: 'text' | 'binary' | undefined
}

/** Bytes of a message that joins several chunks: few enough for the limits of most peers. */
const joinedBytes = 64 * 1024

type Done = (error?: Error | null) => void

/** Node's Duplex over the messages of a socket, whose events it is told of. */
export class MessageDuplex extends Duplex {
  readonly #pipe: MessagePipe
  readonly #isObjectMode: boolean
  /** Of a stream that writes text: keeps the beginning of a character that a chunk cut. */
  readonly #decoder: StringDecoder | undefined
  /** The step of the stream that waits: for the handshake, for room, or for the end of the connection. */
  #whenOpen: Done | undefined
  #whenDrained: Done | undefined
  #whenClosed: Done | undefined
  #isClosed = false

  constructor(pipe: MessagePipe, { objectMode = false, type = 'binary' }: DuplexOptions) {
    super({ objectMode, decodeStrings: !objectMode, allowHalfOpen: false })
    this.#pipe = pipe
    this.#isObjectMode = objectMode
    this.#decoder = !objectMode && type === 'text' ? new StringDecoder('utf8') : undefined
    if (!objectMode && type !== 'text') this._writev = (chunks, done) => this.#writeJoined(chunks, done)
  }

  opened(): void {
    const done = this.#whenOpen
    this.#whenOpen = undefined
    done?.()
  }

  receive(message: string | Uint8Array): void {
    if (this.destroyed) return
    const chunk = typeof message === 'string' && !this.#isObjectMode ? Buffer.from(message) : message
    // A stream of bytes has no empty chunks.
    if (!this.#isObjectMode && chunk.length === 0) return
    if (!this.push(chunk)) this.#pipe.pause()
  }

  drained(): void {
    const done = this.#whenDrained
    this.#whenDrained = undefined
    done?.()
  }

  /** @param error the reason if the connection was not closed cleanly */
  ended(error: Error | undefined): void {
    this.#isClosed = true
    this.#whenClosed?.()
    const isCut = this.#whenDrained !== undefined
    if (error !== undefined || isCut) {
      this.destroy(error ?? new TransportError('the connection was closed before all was written'))
    } else {
      this.push(null)
    }
    this.opened()
  }

  override _construct(done: Done): void {
    if (this.#pipe.isOpen || this.#isClosed) done()
    else this.#whenOpen = done
  }

  override _read(): void {
    this.#pipe.resume()
  }

  override _write(chunk: string | Uint8Array, _encoding: string, done: Done): void {
    const message = this.#decoder === undefined ? chunk : this.#decoder.write(chunk as Buffer)
    if (this.#decoder !== undefined && message === '') done()
    else this.#send(message, done)
  }

  /** Writes chunks that were corked, or that have waited, in as few messages as `joinedBytes` allows. */
  #writeJoined(chunks: readonly { readonly chunk: Buffer }[], done: Done): void {
    let count = 0
    for (let bytes = 0; count < chunks.length; count++) {
      bytes += chunks[count]!.chunk.length
      if (bytes > joinedBytes && count > 0) break
    }
    const message = Buffer.concat(chunks.slice(0, count).map(({ chunk }) => chunk))
    const rest = chunks.slice(count)
    this._write(message, 'buffer', (error) => {
      if (error || rest.length === 0) done(error)
      else this.#writeJoined(rest, done)
    })
  }

  override _final(done: Done): void {
    const close = (): void => {
      this.#whenClosed = done
      this.#pipe.close()
    }
    const rest = this.#decoder?.end() ?? ''
    if (this.#isClosed) done()
    else if (rest === '') close()
    else this.#send(rest, (error) => (error ? done(error) : close()))
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#whenDrained = undefined
    if (!this.#isClosed) {
      // A reader that stops, with `break` in a loop or by a signal, is no fault.
      if (error === null || error.name === 'AbortError') this.#pipe.close()
      else this.#pipe.terminate()
    }
    done(error)
  }

  #send(message: string | Uint8Array, done: Done): void {
    try {
      if (this.#pipe.send(message)) done()
      else this.#whenDrained = done
    } catch (error) {
      done(error as Error)
    }
  }
}
