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
    const reason = reasons[errorCode(error)] ?? (error as Error).message
    throw new CommandFailure(`can't read ${what} ${file}: ${reason}; ${advice}`)
  }
}
