import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Ending } from './echo-process.js'

export interface ShortCommand {
  readonly args: readonly string[]
  readonly input: string
}

/**
 * Runs commands `twoway` in one process, one after the other. Only for commands that end soon, such as refused
 * ones: most of their time as a process each is the start of Node and the loading of modules.
 */
export class ShortCommands {
  readonly #child: ChildProcess
  #answer: { resolve(ending: Ending): void; reject(error: Error): void } | undefined
  #last: Promise<unknown> = Promise.resolve()

  constructor(env: NodeJS.ProcessEnv = {}) {
    this.#child = fork(fileURLToPath(new URL('run-commands.js', import.meta.url)), {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, ...env },
    })
    this.#child.on('message', (ending) => this.#answer?.resolve(ending as Ending))
    this.#child.on('exit', () => this.#answer?.reject(new Error('the process of the commands ended')))
  }

  run(args: readonly string[], input = ''): Promise<Ending> {
    const ended = this.#last.then(
      () =>
        new Promise<Ending>((resolve, reject) => {
          this.#answer = { resolve, reject }
          const command: ShortCommand = { args, input }
          // The callback gets an error once the process has ended.
          this.#child.send(command, (error) => error && reject(error))
        }),
    )
    this.#last = ended.catch(() => {})
    return ended
  }

  end(): void {
    this.#child.kill('SIGKILL')
  }
}
