/** Runs the suite in a process of Node, Bun or Deno: the order is an argument, the report is the last line of output. */

import process from 'node:process'
import { type Order, runSuite } from './suite.js'

const report = await runSuite(JSON.parse(process.argv[2]!) as Order)
process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0))
