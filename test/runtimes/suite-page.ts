/** Runs the suite in a page, bundled with the condition `browser` for `twoway`. */

import { runSuite } from './suite.js'

Object.assign(globalThis, { runSuite })
