/** Messages that a flood has, and bytes of each: 64 MiB in all, far beyond what is kept on the way. */
export const floodMessages = 4096
export const floodMessageBytes = 16 << 10
