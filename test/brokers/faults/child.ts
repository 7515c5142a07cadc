import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

interface Waiting<Answer> {
  resolve(answer: Answer): void
  reject(error: Error): void
}

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** A process that answers orders. */
export class Child<Order, Answer> {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, Waiting<Answer>>()
  #orders = 0

  private constructor(child: ChildProcess) {
    this.#child = child
    child.on('message', ({ order, answer, error }: Answered<Answer>) => {
      const waiting = this.#waiting.get(order)
      this.#waiting.delete(order)
      if (error === undefined) waiting?.resolve(answer!)
      else waiting?.reject(new Error(error))
    })
    child.once('exit', (code, signal) => {
      running.delete(child)
      for (const { reject } of this.#waiting.values()) reject(new Error(`the process ended: ${code ?? signal}`))
      this.#waiting.clear()
    })
  }

  /** Starts a program of this folder. Resolves when it obeys. */
  static async start<Order, Answer>(name: string, config: object): Promise<Child<Order, Answer>> {
    const file = fileURLToPath(new URL(`${name}.js`, import.meta.url))
    const child = fork(file, [JSON.stringify(config)], { execArgv: ['--expose-gc'] })
    running.add(child)
    const made = new Child<Order, Answer>(child)
    const ended = once(child, 'exit').then(([code]) => Promise.reject(new Error(`${name} ended with ${code}`)))
    await Promise.race([once(child, 'message'), ended])
    return made
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  ask(order: Order): Promise<Answer> {
    const number = ++this.#orders
    return new Promise((resolve, reject) => {
      if (!this.isRunning) throw new Error('the process has ended')
      this.#waiting.set(number, { resolve, reject })
      this.#child.send({ number, order })
    })
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  async kill(): Promise<void> {
    if (!this.isRunning) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
  }
}

interface Answered<Answer> {
  readonly order: number
  readonly answer?: Answer
  readonly error?: string
}

/** The other side: obeys the orders of the process that has started this one, and ends with it. */
export function obey<Order>(answerOf: (order: Order) => unknown): void {
  process.on('message', async ({ number, order }: { readonly number: number; readonly order: Order }) => {
    try {
      process.send!({ order: number, answer: (await answerOf(order)) ?? null })
    } catch (error) {
      process.send!({ order: number, error: String((error as Error).stack) })
    }
  })
  process.on('disconnect', () => process.exit())
  process.send!('ready')
}

/** The configuration that `Child.start` was given. */
export function childConfig<Config>(): Config {
  return JSON.parse(process.argv[2]!) as Config
}
