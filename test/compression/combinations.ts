import type { PerMessageDeflateOptions } from 'twoway'

const flags = [false, true]

/** Every combination of the four parameters, with each window size at its bounds and between. */
export const combinations: readonly PerMessageDeflateOptions[] = flags.flatMap((serverNoContextTakeover) =>
  flags.flatMap((clientNoContextTakeover) =>
    [undefined, 9, 12, 15].flatMap((serverMaxWindowBits) =>
      [undefined, 9, 12, 15].map((clientMaxWindowBits) => ({
        serverNoContextTakeover,
        clientNoContextTakeover,
        serverMaxWindowBits,
        clientMaxWindowBits,
        thresholdBytes: 0,
      })),
    ),
  ),
)
