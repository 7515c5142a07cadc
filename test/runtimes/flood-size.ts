/** The number of messages of a flood and the bytes of each: 64 MiB in all, far more than any buffer on the way. */
export const floodMessages = 4096
export const floodMessageBytes = 16 << 10
