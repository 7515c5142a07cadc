import { getHeapSpaceStatistics } from 'node:v8'

const elements = 4096
const elementBytes = 8

/** What is known of, and done to, V8's young generation. */
export interface YoungGeneration {
  /** Bytes of heap that may be allocated before it is collected. */
  room(): number
  /** Allocates more than `room` bytes of heap. */
  fill(room: number): void
}

/** Nothing reads it, but the compiler may not leave it out. */
const garbage: unknown[] = []

export const youngGeneration: YoungGeneration = {
  room: () => getHeapSpaceStatistics().find((space) => space.space_name === 'new_space')?.space_available_size ?? 0,
  fill(room) {
    for (let left = room; left >= 0; left -= elements * elementBytes) garbage[0] = new Array(elements)
    garbage[0] = undefined
  },
}
