import type { SendResult } from '../../core/connection-types.js'
import { UsageError } from '../../core/errors.js'
import { isThenable } from '../../core/is-thenable.js'
import type { MessageWriter } from '../../core/sending/message-writer.js'
import { bytesOf } from '../connection/message-bytes.js'
import type { MessageSource, OutgoingPiece, SendStreamOptions } from '../server-types.js'
import { SourceReader } from './source-reader.js'

/** The part of a socket that sending from a source needs. */
interface SendingSocket {
  /** Whether at most the high-water mark is queued. */
  readonly hasRoom: boolean
  send(message: OutgoingPiece): SendResult
  drained(): Promise<void>
  /** Begins a message in pieces. If the connection is not open, it calls `onClosed` and returns none. */
  sendInPieces(options: SendStreamOptions, onClosed: (error: Error) => void): MessageWriter | undefined
  /**
   * Calls back when the connection leaves the open state, or at once if it has left it. Returns a function that cancels
   * this, unless the call was made.
   */
  whenClosing(callback: (error: Error) => void): (() => void) | undefined
  /** Resolves in a separate task. */
  nextTask(): Promise<void>
  fail(code: number, reason: string): void
}

/** Sends each item of a source as a message, no faster than the network takes them, and returns their number. */
export async function sendFrom(socket: SendingSocket, source: MessageSource<OutgoingPiece>): Promise<number> {
  const reader = new SourceReader(source)
  return new Promise((resolve, reject) => {
    const giveUp = (reason: unknown): void => {
      reader.cancel(reason)
      reject(reason)
    }
    const forget = socket.whenClosing(giveUp)
    if (forget === undefined) return
    sendAll(socket, reader).then(resolve, giveUp).finally(forget)
  })
}

async function sendAll(socket: SendingSocket, reader: SourceReader<OutgoingPiece>): Promise<number> {
  for (let count = 0; ; count += 1) {
    const next = reader.next()
    const { done, value } = isThenable(next) ? await next : next
    if (done) return count
    await sendWhole(socket, value)
  }
}

/** Sends a message when there is room, so that it is never refused, and returns when there is room for another. */
async function sendWhole(socket: SendingSocket, message: OutgoingPiece): Promise<void> {
  while (!socket.hasRoom) await socket.drained()
  while (socket.send(message) === 'dropped') await socket.nextTask()
  if (!socket.hasRoom) await socket.drained()
}

/** Sends all of a source as one message, in fragments, in bounded memory. */
export async function sendStream(
  socket: SendingSocket,
  source: MessageSource<OutgoingPiece>,
  options: SendStreamOptions,
): Promise<void> {
  checkFragmentBytes(options.fragmentBytes)
  const reader = new SourceReader(source)
  return new Promise((resolve, reject) => {
    const giveUp = (reason: unknown): void => {
      reader.cancel(reason)
      reject(reason)
    }
    const message = socket.sendInPieces(options, giveUp)
    if (message === undefined) return
    sendPieces(message, reader).then(resolve, (error: unknown) => {
      giveUp(error)
      // §5.4: the message can't be completed, and no other can begin before it is.
      if (message.hasBegun) socket.fail(1011, 'the server failed within this message')
      message.abandon()
    })
  })
}

async function sendPieces(message: MessageWriter, reader: SourceReader<OutgoingPiece>): Promise<void> {
  await message.turn()
  for (;;) {
    const next = reader.next()
    const { done, value } = isThenable(next) ? await next : next
    if (done) break
    const room = message.write(typeof value === 'string' ? value : bytesOf(value))
    if (room !== undefined) await room
  }
  message.end()
}

function checkFragmentBytes(fragmentBytes: number | undefined): void {
  if (fragmentBytes === undefined || (Number.isInteger(fragmentBytes) && fragmentBytes > 0)) return
  throw new UsageError('optionInvalid', `fragmentBytes must be an integer above 0, not ${String(fragmentBytes)}`)
}
