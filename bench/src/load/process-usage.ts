import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** The time and memory of a process as the system counts them, so that all runtimes are measured alike. */
export interface ProcessUsage {
  /** User and system time of all its threads, in microseconds. */
  readonly cpuMicros: number
  /** Resident memory in bytes. */
  readonly memory: number
}

/** The kernel's clock tick as programs see it: 100 in a second on every Linux that Node runs on. */
const tickMicros = 10_000

export function processUsage(pid: number): ProcessUsage {
  return process.platform === 'linux' ? usageFromProc(pid) : usageFromPs(pid)
}

function usageFromProc(pid: number): ProcessUsage {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name, in parentheses, may contain any character; utime and stime are the 12th and 13th field after it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const memory = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return {
    cpuMicros: (Number(fields[11]) + Number(fields[12])) * tickMicros,
    memory: Number(memory?.[1] ?? 0) * 1024,
  }
}

/** `ps` prints the time as [[days-]hours:]minutes:seconds, on macOS with hundredths. */
function usageFromPs(pid: number): ProcessUsage {
  const [time = '', memory = ''] = execFileSync('ps', ['-o', 'time=,rss=', '-p', String(pid)], { encoding: 'utf8' })
    .trim()
    .split(/\s+/)
  const [days, clock] = time.includes('-') ? (time.split('-') as [string, string]) : ['0', time]
  const seconds = clock.split(':').reduce((total, part) => 60 * total + Number(part), 0)
  return { cpuMicros: (Number(days) * 86_400 + seconds) * 1e6, memory: Number(memory) * 1024 }
}
