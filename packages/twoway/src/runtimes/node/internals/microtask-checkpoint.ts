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
let isRunning = false

/**
 * Clock.microtaskCheckpoint. The first call is a trial. A call within another is refused: it would run the callbacks that the
 * outer one has not reached yet, each of which may call it again, until the stack is full.
 */
export function microtaskCheckpoint(): boolean {
  if (!isWorking || isRunning) return false
  isRunning = true
  try {
    if (!isTried) return tryRunTicks()
    runTicks!()
    return true
  } finally {
    isRunning = false
  }
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
