const { spawn } = require('node:child_process')
const { constants } = require('node:os')

/**
 * Runs a command to its end and passes on the signals that would end this process.
 * Resolves with its exit code, or like a shell with 128 plus the signal's number. If a signal came from outside,
 * this process ends with it.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {import('node:child_process').SpawnOptions & { onOutput?: (text: string) => void }} options
 *   By default the child shares our standard output and error, and has no input; `onOutput` receives the output instead.
 * @returns {Promise<number>}
 */
function runChild(command, args, { onOutput, ...options }) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', onOutput ? 'pipe' : 'inherit', 'inherit'], ...options })
    if (onOutput) child.stdout?.setEncoding('utf8').on('data', onOutput)

    let isStopping = false
    const stop = (/** @type {NodeJS.Signals} */ signal) => {
      isStopping = true
      child.kill(signal)
    }
    process.on('SIGINT', stop).on('SIGTERM', stop)

    child.once('error', reject)
    child.once('close', (code, signal) => {
      process.off('SIGINT', stop).off('SIGTERM', stop)
      const status = code ?? 128 + (signal ? constants.signals[signal] : 0)
      if (isStopping) process.exit(status)
      resolve(status)
    })
  })
}

module.exports = { runChild }
