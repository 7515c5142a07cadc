import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type EchoProcess, NodeProcess, startEcho } from './echo-process.js'

const hello = fileURLToPath(new URL('../../examples/dist/hello.js', import.meta.url))

describe('the example hello', () => {
  let echo: EchoProcess

  before(async () => {
    echo = await startEcho()
  })

  after(() => echo.process.kill())

  it('sends text, an ArrayBuffer, a Blob and 10,000,000 bytes, and receives each echo', async () => {
    const { code, stdout, stderr } = await new NodeProcess(hello, [echo.url]).ended
    assert.equal(stderr, '')
    assert.equal(code, 0)
    const lines = stdout.split('\n').filter((line) => line !== '')
    // The echo may arrive before the next tick of the timer that prints.
    const [gone, back] = ['All of them have gone', 'Received 10000000 bytes'] as const
    assert.ok(lines.includes(gone))
    assert.deepEqual(
      lines.filter((line) => line !== gone),
      [
        `Connected to ${echo.url}/`,
        'Received: Hello WebSockets!',
        closedLine('That was all'),
        'Received an ArrayBuffer of 512000 bytes, equal to what was sent',
        closedLine(''),
        'Received a Blob of 44 bytes: "A Blob is bytes in as many parts as you like"',
        closedLine(''),
        'Sent 10000000 bytes, of which 10000000 wait',
        back,
        closedLine(''),
      ],
    )
  })

  it('says what to do if no server listens, and exits with 1', async () => {
    const gone = await startEcho()
    await gone.process.kill()
    const { code, stdout, stderr } = await new NodeProcess(hello, [gone.url]).ended
    assert.equal(stderr, `The connection to ${gone.url}/ failed. Does the echo service run? Start it with: npm start\n`)
    assert.equal(stdout, 'Closed with code 1006, reason "", not clean\n\n')
    assert.equal(code, 1)
  })
})

function closedLine(reason: string): string {
  return `Closed with code 1000, reason "${reason}", clean`
}
