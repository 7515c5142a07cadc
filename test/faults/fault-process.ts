import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

export interface ProcessOptions {
  /** The limit of its descriptors. */
  readonly descriptors?: number | undefined
  readonly environment?: Readonly<Record<string, string>> | undefined
  /** The runtime of the process; this one by default. */
  readonly runtime?: ProcessRuntime | undefined
}

/** A program that runs scripts, with the arguments before the script. */
export interface ProcessRuntime {
  readonly program: string
  readonly args: readonly string[]
}

const ownRuntime: ProcessRuntime = { program: process.execPath, args: ['--expose-gc'] }

/** A process of Node, or of another runtime, that a test can stop and question. Its standard error is kept. */
export class FaultProcess {
  readonly #child: ChildProcess
  readonly ended: Promise<unknown>
  hasEnded = false
  errors = ''

  /** Runs a script of this folder, through a shell with a lower limit of descriptors if one is given. */
  constructor(script: string, args: readonly string[], options: ProcessOptions = {}) {
    const { descriptors, environment, runtime = ownRuntime } = options
    const path = fileURLToPath(new URL(`${script}.js`, import.meta.url))
    const command = [runtime.program, ...runtime.args, path, ...args]
    const [program, ...rest] =
      descriptors === undefined ? command : ['sh', '-c', `ulimit -n ${descriptors} && exec "$0" "$@"`, ...command]
    this.#child = spawn(program!, rest, {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: { ...process.env, ...environment },
    })
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.errors += text
    })
    this.ended = once(this.#child, 'exit').then(() => {
      this.hasEnded = true
    })
  }

  /** Resolves with its next message. Rejects if the process ends first. */
  async said<Message>(): Promise<Message> {
    const message = new Promise<Message>((resolve) => this.#child.once('message', (said) => resolve(said as Message)))
    const ending = this.ended.then(() => {
      throw new Error(`the process has ended: ${this.errors}`)
    })
    return Promise.race([message, ending])
  }

  /** Asks a question and resolves with the answer. */
  ask<Message>(question: unknown): Promise<Message> {
    const answer = this.said<Message>()
    this.tell(question)
    return answer
  }

  /** Sends a message that has no answer. */
  tell(message: unknown): void {
    // With a callback, a process that has just ended is no error.
    if (this.#child.connected) this.#child.send(message as object, () => {})
  }

  /** Stops the process like a machine that hangs, until `continue`. */
  stop(): void {
    this.#child.kill('SIGSTOP')
  }

  continue(): void {
    this.#child.kill('SIGCONT')
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.ended
  }
}
