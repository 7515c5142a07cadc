import { parentPort, workerData } from 'node:worker_threads'
import { clientFrame, opcodes } from 'twoway-testing/bytes.js'
import { RawSocket } from 'twoway-testing/peers/raw-socket.js'
import type { Latency } from './bystander.js'

const everyMs = 4
/** The longest wait for an echo. */
const longestMs = 20_000

const peer = await RawSocket.open(workerData as number)
if (peer === undefined) throw new Error('the bystander was not let in')

let times: number[] = []
let leaving: (() => void) | undefined

async function time(): Promise<number> {
  const before = peer!.count(opcodes.text)
  const sent = performance.now()
  peer!.send(clientFrame(opcodes.text, 'hello'))
  const isAnswered = await peer!.until(() => peer!.count(opcodes.text) > before, longestMs)
  return isAnswered ? performance.now() - sent : longestMs
}

for (let count = 0; count < 20; count++) await time()
parentPort!.on('message', (order: string) => {
  if (order === 'begin') times = []
  else leaving = tell
})
parentPort!.postMessage('joined')
for (;;) {
  times.push(await time())
  if (leaving !== undefined) break
  await new Promise((resolve) => setTimeout(resolve, everyMs))
}
leaving()

function tell(): void {
  const sorted = times.toSorted((a, b) => a - b)
  const latency: Latency = { worstMs: sorted.at(-1)!, medianMs: sorted[sorted.length >> 1]!, count: sorted.length }
  parentPort!.postMessage(latency)
}
