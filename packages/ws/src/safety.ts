/** Whether Twoway's limits hold instead of ws's: `safe: true`, or TWOWAY_WS_SAFE=1 for a whole process. */
function isSafe(option: boolean | undefined): boolean {
  return option ?? process.env.TWOWAY_WS_SAFE === '1'
}

/** The defaults of limits on received messages: ws's, or Twoway's for a server and a client. */
export function maxPayloadOf(role: 'client' | 'server', option: boolean | undefined): number {
  if (!isSafe(option)) return 100 << 20
  return role === 'server' ? 1 << 20 : 16 << 20
}

/** ws queues all that is sent and reads on; with `safe` both have limits. */
export function bufferLimits(option: boolean | undefined): { highWaterMarkBytes?: number; maxBufferedBytes?: number } {
  if (isSafe(option)) return {}
  return { highWaterMarkBytes: Number.POSITIVE_INFINITY, maxBufferedBytes: Number.POSITIVE_INFINITY }
}
