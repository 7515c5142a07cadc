/** Runs the suite in a page: bundled for a browser, where `twoway` is what a browser gets. */

import { runSuite } from './suite.js'

Object.assign(globalThis, { runSuite })
