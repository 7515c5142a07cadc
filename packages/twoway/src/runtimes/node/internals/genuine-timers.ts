import { Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import process from 'node:process'
import { clearTimeout, setImmediate, setTimeout } from 'node:timers'
import { scheduler } from 'node:timers/promises'

/*
 * Test frameworks replace timers, and not only the global ones: `node:test` and sinon replace the exports of `node:timers`
 * too. This module finds Node's own, even if they were replaced before it was loaded. Each is tried before use.
 */

/** A timer of Node, or of a runtime that has none of Node's private parts. */
export interface Timer {
  close(): unknown
  unref(): unknown
}

export type StartTimer = (callback: () => void, delayMs: number) => Timer

/** The class of Node's timers. An object of it starts with `refresh`. */
type TimeoutClass = new (
  callback: () => void,
  delayMs: number,
  args: undefined,
  repeats: boolean,
  keepsAlive: boolean,
) => Timer & { refresh(): unknown; hasRef(): boolean }

type NextTick = <Arguments extends readonly unknown[]>(
  callback: (...args: Arguments) => void,
  ...args: Arguments
) => void

const isNode = !('bun' in process.versions || 'deno' in process.versions)

/** Starts a timer that calls back once. */
export const startTimer: StartTimer = findStartTimer()

/** Calls back after the tasks that are already waiting. */
export const startTask: (callback: () => void) => void = findStartTask()

/** Calls back after the code that runs now, before any task. */
export const nextTick: NextTick = findNextTick()

/** Calls back as a microtask. */
export const queueMicrotask: (callback: () => void) => void = findQueueMicrotask()

/** Milliseconds by a clock that never goes back. A replaced `performance.now` hides that of the prototype. */
export const now: () => number = findNow()

function findStartTimer(): StartTimer {
  // In constants, as later replacements reach imports that a compiler has turned into CommonJS.
  const [start, stop] = [setTimeout, clearTimeout]
  const startGiven: StartTimer = (callback, delayMs) => toTimer(start(callback, delayMs), stop)
  if (!isNode) return startGiven
  if (isFunctionOfNode(start)) return start as unknown as StartTimer
  const Timeout = timeoutClass()
  if (Timeout === undefined) return startGiven
  return (callback, delayMs) => {
    const started = new Timeout(callback, delayMs, undefined, false, true)
    started.refresh()
    return started
  }
}

/** A socket's timeout is an object of the same class, whatever replaces the exports of `node:timers`. */
function timeoutClass(): TimeoutClass | undefined {
  const socket = new Socket()
  socket.setTimeout(1_000_000)
  const found = Object.getOwnPropertySymbols(socket)
    .map((symbol) => (socket as unknown as Record<symbol, unknown>)[symbol])
    .find((value) => typeof value === 'object' && value !== null && 'refresh' in value && isOfNode(value))
  socket.setTimeout(0)
  socket.destroy()
  const Timeout = found?.constructor as TimeoutClass | undefined
  return Timeout !== undefined && isUnderstood(Timeout) ? Timeout : undefined
}

function isUnderstood(Timeout: TimeoutClass): boolean {
  try {
    const timer = new Timeout(() => {}, 1, undefined, false, true)
    timer.refresh()
    const isStarted = timer.hasRef()
    timer.unref()
    const isUnreferenced = !timer.hasRef()
    timer.close()
    return isStarted && isUnreferenced
  } catch {
    return false
  }
}

function findStartTask(): (callback: () => void) => void {
  if (isFunctionOfNode(setImmediate)) return setImmediate as (callback: () => void) => void
  // The method of the prototype: fakes replace that of the object.
  const { yield: yieldToTasks } = Object.getPrototypeOf(scheduler) as { yield?: () => Promise<void> }
  if (yieldToTasks === undefined) return (callback) => startTimer(callback, 1)
  // In a tick of its own, so that an error of the callback is an uncaught one and no rejection.
  return (callback) => void yieldToTasks.call(scheduler).then(() => nextTick(callback))
}

function findNextTick(): NextTick {
  // In a sandbox, `process` is a copy, whose members are replaced; the built-in module is not.
  const candidates = [process, builtInProcess()]
  const found = candidates.find((candidate) => candidate !== undefined && isFunctionOfNode(candidate.nextTick))
  if (found !== undefined) return found.nextTick as NextTick
  return (callback, ...args) => void Promise.resolve().then(() => callback(...args))
}

function findQueueMicrotask(): (callback: () => void) => void {
  const { queueMicrotask: found } = globalThis
  return isFunctionOfNode(found) ? found : (callback) => void Promise.resolve().then(callback)
}

/** In a sandbox, `process` is a copy. */
export function builtInProcess(): typeof process | undefined {
  const { getBuiltinModule } = process as { getBuiltinModule?: (name: string) => typeof process }
  return getBuiltinModule?.('node:process')
}

/** By its text: a trial would start a timer at each import. After a wrong answer, the ways below for replaced ones are taken. */
function isFunctionOfNode(given: unknown): boolean {
  if (typeof given !== 'function') return false
  return !isNode || /\bvalidateFunction\(/.test(Function.prototype.toString.call(given))
}

function findNow(): () => number {
  const { now: nowOfPrototype } = Object.getPrototypeOf(performance) as { now?: () => number }
  return (nowOfPrototype ?? performance.now).bind(performance)
}

/** Whether a timer was made by Node: it has the symbols of an asynchronous resource. */
function isOfNode(timer: object): boolean {
  return Object.getOwnPropertySymbols(timer).some(({ description }) => description === 'asyncId')
}

function toTimer(timer: NodeJS.Timeout, stop: typeof clearTimeout): Timer {
  return {
    close: () => stop(timer),
    unref: () => (timer as Partial<NodeJS.Timeout>).unref?.(),
  }
}
