import { readFileSync } from 'node:fs'
import { CommandFailure } from './command-failure.js'
import { errorCode } from './error-code.js'

const reasons: { readonly [code: string]: string | undefined } = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EISDIR: 'it is a folder',
  EACCES: 'you have no right to read it',
  EPERM: 'you have no right to read it',
}

/**
 * Reads a file that the user named. A CommandFailure says why it can't be read, and what to try.
 * @param what what the file is, as in "the certificate"
 */
export function readAskedFile(what: string, file: string, advice: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    if (!isFileName(file)) throw new CommandFailure(`${what} is given as text, not as the name of a file: ${advice}`)
    const reason = reasons[errorCode(error)] ?? (error as Error).message
    throw new CommandFailure(`can't read ${what} ${file}: ${reason}; ${advice}`)
  }
}

/** What is no name may be a key itself, which is not repeated. */
function isFileName(file: string): boolean {
  return file.length < 256 && !/[\r\n]|-----BEGIN/.test(file)
}
