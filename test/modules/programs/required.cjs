/** The entries, by the `require` of whichever tool reads this. */
exports.client = require('twoway')
exports.frameworks = require('twoway/frameworks')
exports.memory = require('twoway/memory')
exports.metrics = require('twoway/metrics')
exports.server = require('twoway/server')
exports.streams = require('twoway/streams')
exports.workers = require('twoway/workers')
