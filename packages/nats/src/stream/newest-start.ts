import type { Entry, Head } from './envelope.js'

/** The most entries that are read to find the start. */
const mostProbes = 16

/**
 * Finds a sequence number after which the newest messages of a topic begin, with at most about as many before them. An entry has
 * up to 64 messages, so that the entries of a busy topic may hold far more messages than a reader asks for.
 * @param next reads the first entry of the topic with this sequence number or a later one
 */
export async function startOfNewest(
  { sequence, position: head }: Head,
  count: number,
  next: (sequence: number) => Promise<Entry | undefined>,
): Promise<number> {
  const unwanted = head.offset - count
  // No wanted message is at or before `low`; the wanted ones begin before `high`.
  let low = { sequence: 0, offset: 0 }
  let high = { sequence, offset: head.offset }
  for (let probes = 0; probes < mostProbes && unwanted - low.offset > count; probes += 1) {
    if (high.sequence - low.sequence < 2) break
    // Every other guess is the middle, as messages may be spread unevenly.
    const guess = (unwanted - count / 2 - low.offset) / (high.offset - low.offset)
    const part = probes % 2 === 0 ? 1 / 2 : Math.max(0, guess)
    // The first one is the oldest entry that is kept.
    const at = probes === 0 ? 1 : low.sequence + 1 + Math.floor(part * (high.sequence - low.sequence - 1))
    const entry = await next(at)
    const first = entry?.messages[0]?.position
    if (entry === undefined || first?.epoch !== head.epoch) break
    const before = first.offset - 1
    // A void entry has the offset of one before it that is valid, and expects the entry before that one.
    const earlier = entry.expected < entry.sequence ? entry.expected : entry.sequence - 1
    if (before <= unwanted) low = { sequence: earlier, offset: before }
    else high = { sequence: at, offset: before }
  }
  return low.sequence
}
