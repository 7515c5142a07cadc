import { webPayload } from '../../twoway/dist/runtimes/web/payload.js'
import { webRandom } from '../../twoway/dist/runtimes/web/random.js'
import { MemoryBroker } from '../../twoway/dist/topics/memory-broker.js'
import { FakeClock } from './harnesses/fake-clock.js'

/** A broker in memory, which keeps the newest messages of a topic. */
export function makeStorage(count = 1000): MemoryBroker {
  return new MemoryBroker({
    history: { count, bytes: 1 << 20, ageMs: 60_000 },
    dedupe: { count: 1000, ageMs: 60_000 },
    maxTopics: 1000,
    totalBytes: 1 << 26,
    clock: new FakeClock(),
    random: webRandom,
    payload: webPayload,
  })
}
