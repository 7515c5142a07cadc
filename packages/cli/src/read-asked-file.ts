import { readFileSync } from 'node:fs'
import { CommandFailure } from './command-failure.js'
import { errorCode } from './error-code.js'

const reasons: { readonly [code: string]: string | undefined } = {
  ENOENT: 'the file does not exist',
  ENOTDIR: 'the file does not exist',
  EISDIR: 'it is a directory',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
}

/**
 * Reads a file that the user named. A CommandFailure says why it can't be read, and what to try.
 * @param what names the file in the error, such as "the certificate"
 */
export function readAskedFile(what: string, file: string, advice: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    if (!isFileName(file)) throw new CommandFailure(`${what} must be the name of a file, not its text: ${advice}`)
    const reason = reasons[errorCode(error)] ?? (error as Error).message
    throw new CommandFailure(`can't read ${what} ${file}: ${reason}; ${advice}`)
  }
}

/** Text that is not a file name may be the key itself, so it is not repeated. */
function isFileName(file: string): boolean {
  return file.length < 256 && !/[\r\n]|-----BEGIN/.test(file)
}
