#!/usr/bin/env node
// npm links a command only where its file is there when it installs, and in a fresh clone dist/ is not.
import '../dist/main.js'
