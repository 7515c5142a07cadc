import { clientRows } from './client-rows.js'
import { connectionRows } from './connection-rows.js'
import { endingRows } from './ending-rows.js'
import { errorRows } from './error-rows.js'
import { addressRows } from './handshake/address-rows.js'
import { answerRows } from './handshake/answer-rows.js'
import { deflateRows } from './handshake/deflate-rows.js'
import { serverOptionRows } from './handshake/server-option-rows.js'
import { memberRows } from './member-rows.js'
import { messageRows } from './message-rows.js'
import { moduleRows } from './module-rows.js'
import type { Row } from './row.js'
import { serverRows } from './server-rows.js'
import { privateRows } from './socket/private-rows.js'
import { socketRows } from './socket/socket-rows.js'
import { streamRows } from './socket/stream-rows.js'
import { takenSocketRows } from './socket/taken-socket-rows.js'
import { violationRows } from './violation-rows.js'

/** The documented behaviour of ws, as calls and their results: `rows.test.ts` runs each on ws and on the drop-in. */
export const rows: readonly Row[] = [
  ...moduleRows,
  ...clientRows,
  ...addressRows,
  ...answerRows,
  ...deflateRows,
  ...connectionRows,
  ...memberRows,
  ...endingRows,
  ...messageRows,
  ...streamRows,
  ...violationRows,
  ...serverRows,
  ...serverOptionRows,
  ...privateRows,
  ...socketRows,
  ...takenSocketRows,
  ...errorRows,
]
