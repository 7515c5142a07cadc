import type { ProcessRuntime } from '../faults/fault-process.js'
import { narrowed, runSequences } from '../tls/run-sequences.js'
import type { Outcome } from './case.js'

const seed = 5246
const count = 300
const atOnce = 40

/** Plays sequences of TLS messages to a server and to clients on the runtime's own TLS, as `npm run test:tls` does on Node's. */
export async function runTlsSequences(runtime: ProcessRuntime): Promise<Outcome> {
  const indexes = Array.from({ length: count }, (_, index) => index)
  const options = { seed, atOnce, runtime }
  const { complaint, suspects, met } = await runSequences({ ...options, indexes })
  return { name: `${count} sequences of TLS messages`, result: await judge() }

  async function judge(): Promise<string> {
    if (complaint !== '') {
      const culprits = await narrowed(options, suspects)
      return `fails: ${complaint}: npm run test:tls -- --program '${[runtime.program, ...runtime.args].join(' ')}' --at ${culprits}`
    }
    const missing = ['server', 'client', 'client by a proxy'].filter((name) => !hasCleanEnd(met, name))
    return missing.length === 0 ? 'pass' : `fails: no WebSocket was closed in order at the ${missing.join(' and the ')}`
  }
}

function hasCleanEnd(met: Readonly<Record<string, number>>, name: string): boolean {
  return Object.keys(met).some((end) => end.startsWith(`${name}: closed 1000`) && !end.endsWith('not clean'))
}
