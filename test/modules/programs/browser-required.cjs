exports.HandshakeError = require('twoway').HandshakeError
