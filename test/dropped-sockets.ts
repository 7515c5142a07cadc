/**
 * `node --expose-gc dropped-sockets.js URL REFUSED_URL COUNT`: opens and closes this number of sockets, in each way that
 * one can end, twice, and prints as JSON the remains of the second round.
 */
import { readdirSync } from 'node:fs'
import process from 'node:process'
import { WebSocket } from 'twoway'

/** The remains of sockets that are no longer referred to. */
export interface Left {
  /** Sockets that were not collected. */
  readonly sockets: number
  readonly heapBytes: number
  readonly descriptors: number
}

const atOnce = 50

/** Opens a socket, ends it in the way of `kind`, and keeps no reference to it. */
function openAndDrop(url: string, refusedUrl: string, kind: number): Promise<WeakRef<object>> {
  return new Promise((resolve) => {
    const socket = new WebSocket(kind === 3 ? refusedUrl : kind === 1 ? `${url}/send?text=a&code=4000` : `${url}/echo`)
    socket.onclose = () => resolve(new WeakRef(socket))
    socket.addEventListener('message', () => {
      if (kind === 0) socket.close(1000)
    })
    socket.onopen = () => {
      if (kind === 2) socket.close()
      else if (kind === 0) socket.send(new Blob(['hello']))
    }
    if (kind === 4) socket.close()
  })
}

async function openAndDropMany(url: string, refusedUrl: string, count: number): Promise<WeakRef<object>[]> {
  const references: WeakRef<object>[] = []
  while (references.length < count) {
    const batch = Array.from({ length: Math.min(atOnce, count - references.length) }, (_, index) =>
      openAndDrop(url, refusedUrl, index % 5),
    )
    references.push(...(await Promise.all(batch)))
  }
  return references
}

/** Waits for pending work, and collects garbage. */
async function settle(): Promise<void> {
  for (let round = 0; round < 20; round++) {
    await new Promise((resolve) => setTimeout(resolve, 10))
    globalThis.gc!()
  }
}

const [url, refusedUrl, count] = process.argv.slice(2)
const descriptorsNow = (): number => (process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0)

// One-time allocations of the first round are not a leak.
await openAndDropMany(url!, refusedUrl!, Number(count))
await settle()
const heapBefore = process.memoryUsage().heapUsed
const descriptorsBefore = descriptorsNow()
const references = await openAndDropMany(url!, refusedUrl!, Number(count))
await settle()
const sockets = references.filter((reference) => reference.deref() !== undefined).length
references.length = 0
await settle()
const left: Left = {
  sockets,
  heapBytes: process.memoryUsage().heapUsed - heapBefore,
  descriptors: descriptorsNow() - descriptorsBefore,
}
console.log(JSON.stringify(left))
