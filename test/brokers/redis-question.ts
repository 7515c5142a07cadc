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
  let text = ''
  let answer = ''
  // The lengths in the answer are numbers of bytes.
  socket.setEncoding('latin1').on('data', (piece: string) => {
    text += piece
    const reply = readReply(text, 0)
    if (reply === undefined) return
    answer = reply[0]
    socket.destroy()
  })
  socket.write(`${command.join(' ')}\r\n`)
  await once(socket, 'close').catch(() => undefined)
  return answer
}

/** Reads a reply from a start. Returns it and its end; undefined if it is not whole. */
function readReply(text: string, start: number): readonly [reply: string, end: number] | undefined {
  const line = text.indexOf('\r\n', start)
  if (line < 0) return undefined
  const [kind, rest] = [text[start], text.slice(start + 1, line)]
  let at = line + 2
  if (kind === '$') {
    const end = at + Math.max(-2, Number(rest))
    return text.length < end + 2 ? undefined : [text.slice(at, end), end + 2]
  }
  if (kind !== '*') return [rest, at]
  const parts: string[] = []
  for (let count = Number(rest); count > 0; count -= 1) {
    const part = readReply(text, at)
    if (part === undefined) return undefined
    parts.push(part[0])
    at = part[1]
  }
  return [parts.join('\n'), at]
}
