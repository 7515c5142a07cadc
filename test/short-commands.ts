import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Ending } from './echo-process.js'

/**
 * Runs commands `twoway` in one process, one after the other. Only for commands that end at once, such as refused ones: most
 * of their time as a process each is the start of Node and the loading of modules.
 */
export class ShortCommands {
  readonly #child: ChildProcess = fork(fileURLToPath(new URL('run-commands.js', import.meta.url)), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  #last: Promise<unknown> = Promise.resolve()

  run(args: readonly string[]): Promise<Ending> {
    const ended = this.#last.then(async () => {
      this.#child.send(args)
      const [ending] = await Promise.race([once(this.#child, 'message'), this.#hasExited()])
      return ending as Ending
    })
    this.#last = ended.catch(() => {})
    return ended
  }

  end(): void {
    this.#child.kill('SIGKILL')
  }

  async #hasExited(): Promise<never> {
    if (this.#child.exitCode === null) await once(this.#child, 'exit')
    throw new Error('the process of the commands ended')
  }
}
