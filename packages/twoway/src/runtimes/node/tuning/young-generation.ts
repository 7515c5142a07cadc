import { getHeapSpaceStatistics } from 'node:v8'

const elements = 4096
const elementBytes = 8

/** V8's young generation: its size, and a way to have V8 collect it. */
export interface YoungGeneration {
  /** Bytes of heap that may be allocated before it is collected. */
  room(): number
  /** Allocates more than `room` bytes of heap. */
  fill(room: number): void
}

/** No code reads it, but the compiler must not optimize it away. */
const garbage: unknown[] = []

export const youngGeneration: YoungGeneration = {
  room: () => getHeapSpaceStatistics().find((space) => space.space_name === 'new_space')?.space_available_size ?? 0,
  fill(room) {
    for (let left = room; left >= 0; left -= elements * elementBytes) garbage[0] = new Array(elements)
    garbage[0] = undefined
  },
}
