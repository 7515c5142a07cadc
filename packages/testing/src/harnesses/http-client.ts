import type { Transport } from '../../../twoway/dist/ports/transport.js'
import { RecordingSink } from './recording-sink.js'

interface Answer {
  readonly status: number
  readonly fields: ReadonlyMap<string, string>
  readonly body: Buffer
}

/** A client of an HTTP host over a connection that it starts. */
export class HttpClient {
  readonly client: Transport
  readonly sink = new RecordingSink()

  constructor(client: Transport) {
    this.client = client
    client.start(this.sink)
  }

  /** Writes a request and reads until the end of the connection. */
  async exchange(text: string): Promise<Answer> {
    this.client.write(Buffer.from(text))
    await this.sink.until(() => this.sink.hasEnded)
    this.client.end()
    await this.sink.untilCalled('closed')
    return answerOf(this.sink.bytes)
  }
}

function answerOf(bytes: Buffer): Answer {
  const headEnd = bytes.indexOf('\r\n\r\n')
  const [statusLine = '', ...lines] = bytes.subarray(0, headEnd).toString('latin1').split('\r\n')
  const fields = new Map(
    lines.map((line) => line.split(': ') as [string, string]).map(([n, v]) => [n.toLowerCase(), v]),
  )
  return { status: Number(statusLine.split(' ')[1]), fields, body: bytes.subarray(headEnd + 4) }
}
