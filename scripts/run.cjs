/**
 * The first step of `npm start`, `npm test` and others: `node scripts/run.cjs start|test [arguments]`.
 *
 * It stops with a sentence if Node is too old. So it must parse on any Node, and loads nothing newer before that
 * check.
 */
'use strict'

var needed = require('../package.json').engines.node.replace('>=', '').split('.').map(Number)
var present = process.versions.node.split('.').map(Number)

if (present[0] < needed[0] || (present[0] === needed[0] && present[1] < needed[1])) {
  console.error('Twoway needs Node ' + needed.join('.') + ' or later; this is Node ' + process.versions.node + '.')
  process.exit(1)
}

require('./end-with-shell.cjs')
require('./' + process.argv[2] + '.cjs')
