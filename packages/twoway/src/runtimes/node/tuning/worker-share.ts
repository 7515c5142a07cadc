import process from 'node:process'

/** The environment variable that tells a worker its share, so that the workers of a machine do not each take all of it. */
export const workerShare = 'TWOWAY_WORKER_SHARE'

/** The value for one of several workers, with the id of their parent: the children of a worker inherit the variable. */
export function shareOf(workers: number): string {
  return `${process.pid}/${workers}`
}

/** The number of workers that this process is one of; 1 if it is none. */
export function workersBesideThis(): number {
  const [, parent, workers] = /^(\d+)\/([1-9]\d*)$/.exec(process.env[workerShare] ?? '') ?? []
  return parent === String(process.ppid) ? Number(workers) : 1
}
