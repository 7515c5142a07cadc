import { once } from 'node:events'
import { connect } from 'node:net'

/** A server that is stopped or starts does not answer. */
const timeoutMs = 1000

/**
 * Sends a command to a server of Redis, and resolves to the answer as text, the parts of an array in lines, or to an empty text if
 * there is no answer. A process of redis-cli for each question would take more of the processor than the servers do, and a test that
 * waits for the process would stop its fault proxies.
 */
export async function questionRedis(port: number, ...command: readonly (string | number)[]): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.setTimeout(timeoutMs, () => socket.destroy())
  socket.on('error', () => undefined)
  let text = ''
  // The lengths in the answer are numbers of bytes.
  socket.setEncoding('latin1').on('data', (piece: string) => {
    text += piece
  })
  socket.write(`${command.join(' ')}\r\nQUIT\r\n`)
  await once(socket, 'close')
  const isWhole = text.endsWith(answerOfQuit) && text !== answerOfQuit
  return isWhole ? readReply(text, 0)[0] : ''
}

const answerOfQuit = '+OK\r\n'

/** Reads a reply from a start. Returns it, and its end. */
function readReply(text: string, start: number): readonly [reply: string, end: number] {
  const line = text.indexOf('\r\n', start)
  const [kind, rest] = [text[start], text.slice(start + 1, line)]
  let at = line + 2
  if (kind === '$') return rest === '-1' ? ['', at] : [text.slice(at, at + Number(rest)), at + Number(rest) + 2]
  if (kind !== '*') return [rest, at]
  const parts: string[] = []
  for (let count = Number(rest); count > 0; count -= 1) {
    const [part, end] = readReply(text, at)
    parts.push(part)
    at = end
  }
  return [parts.join('\n'), at]
}
