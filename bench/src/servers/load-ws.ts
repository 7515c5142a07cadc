import { createRequire } from 'node:module'
import { join } from 'node:path'
import type * as Ws from 'ws'
import type { ServerOrder } from './server-order.js'

/** Loads the module with the API of ws that an order names. */
export async function loadWs({ wsModule, rivals }: ServerOrder): Promise<typeof Ws> {
  if (wsModule === '@twoway/ws') return (await import('@twoway/ws')) as unknown as typeof Ws
  return createRequire(join(rivals, 'package.json'))('ws') as typeof Ws
}
