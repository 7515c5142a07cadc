import { clientRows } from './client-rows.js'
import { connectionRows } from './connection-rows.js'
import { messageRows } from './message-rows.js'
import { moduleRows } from './module-rows.js'
import { privateRows } from './private-rows.js'
import type { Row } from './row.js'
import { serverRows } from './server-rows.js'
import { violationRows } from './violation-rows.js'

/** The documented behaviour of ws, as calls and their results: `rows.test.ts` runs each on ws and on the drop-in. */
export const rows: readonly Row[] = [
  ...moduleRows,
  ...clientRows,
  ...connectionRows,
  ...messageRows,
  ...violationRows,
  ...serverRows,
  ...privateRows,
]
