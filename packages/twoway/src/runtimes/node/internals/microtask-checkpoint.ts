import process from 'node:process'
import { builtInProcess, queueMicrotask } from './genuine-timers.js'

/*
 * Node runs the callbacks of process.nextTick and the microtasks after each callback of its own, by a function that it also
 * has as `process._tickCallback`. It is deprecated (DEP0134) but has no public counterpart.
 */

interface ProcessWithTicks {
  readonly _tickCallback?: unknown
}

const runTicks = findRunTicks()
let isTried = false
let isWorking = runTicks !== undefined

/** Clock.microtaskCheckpoint. The first call is a trial. */
export function microtaskCheckpoint(): boolean {
  if (!isTried && isWorking) return tryRunTicks()
  if (isWorking) runTicks!()
  return isWorking
}

function tryRunTicks(): boolean {
  let hasRun = false
  queueMicrotask(() => {
    hasRun = true
  })
  runTicks!()
  isTried = true
  isWorking = hasRun
  return isWorking
}

/** Found by its text, which shows what it does. With --pending-deprecation, Node has a function there that warns. */
function findRunTicks(): (() => void) | undefined {
  return [process as ProcessWithTicks, builtInProcess() as ProcessWithTicks | undefined]
    .map((candidate) => candidate?._tickCallback)
    .find((found): found is () => void => {
      return typeof found === 'function' && /\brunMicrotasks\(\)/.test(Function.prototype.toString.call(found))
    })
}
