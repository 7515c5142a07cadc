import { rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import type { ClientOrder } from './clients/client.js'
import type { TopicClientOrder } from './clients/topic-client.js'
import { type Contender, rivalsFolder } from './contender.js'
import type { Identity, Load, LoadOrder, Measurement } from './load/load.js'
import { longestWait } from './load/tally.js'
import { PinnedProcess } from './pinned-process.js'
import { programsOf } from './published-packages.js'
import { isClientRow, type Row } from './row.js'
import type { ServerOrder } from './servers/server-order.js'

/** The time that a process has to start, and for its work beside the measurement. */
const startMs = 30_000
const graceMs = 60_000

export interface Times {
  readonly warmUpMs: number
  readonly measureMs: number
}

/** Whether a contender does this kind of work at all. */
export function takesPart(contender: Contender, row: Row): boolean {
  const { rival } = contender
  if (isCompressed(row) && rival.compresses !== true) return false
  if (row.api !== undefined) return rival.wsApi !== undefined && (row.api === 'ws' || rival.runsOn === 'Node')
  if (row.load.kind === 'topicReceives') return rival.topics !== undefined
  if (isClientRow(row)) return rival.client !== undefined
  return rival.server !== undefined ? row.load.kind !== 'room' || rival.rooms !== undefined : usesRoom(contender, row)
}

/** Whether it is measured by clients of its own protocol: it may have no other, as Socket.IO. */
function usesRoom({ rival }: Contender, { load }: Row): boolean {
  if (rival.rooms === undefined) return false
  return load.kind === 'room' || (rival.server === undefined && load.kind === 'broadcast' && load.by === 'publish')
}

/** Measures one contender at one row, in separate processes. Rejects with the reason if that fails. */
export function measure(
  contender: Contender,
  row: Row,
  { warmUpMs, measureMs }: Times,
  identity: Identity,
): Promise<Measurement> {
  const times = { warmUpMs, measureMs }
  const { load } = row
  switch (load.kind) {
    case 'topicReceives': {
      const { client, dialect } = contender.rival.topics!
      const order: Omit<TopicClientOrder, 'port'> = { client, load, rivals: rivalsFolder }
      return measureClient(contender, 'topic-client', order, { load, tls: false, speaks: dialect, ...times })
    }
    case 'clientReceives':
    case 'clientSends': {
      const { tls = false } = row
      const order: Omit<ClientOrder, 'port'> = { client: contender.rival.client!, load, tls, rivals: rivalsFolder }
      return measureClient(contender, 'client', order, { load, tls, identity: tls ? identity : undefined, ...times })
    }
    default:
      return measureServer(contender, row, times, identity)
  }
}

function isCompressed({ load }: Row): boolean {
  return load.kind === 'echo' && load.compressed === true
}

async function measureServer(contender: Contender, row: Row, times: Times, identity: Identity): Promise<Measurement> {
  const does = row.load.kind === 'broadcast' ? row.load.by : 'echo'
  const { server: ownServer, wsApi, rooms } = contender.rival
  const isRoom = row.api === undefined ? usesRoom(contender, row) : row.load.kind === 'room'
  const order: ServerOrder = {
    does,
    rivals: rivalsFolder,
    wsModule: wsApi,
    ...(row.tls && { tls: identity }),
    compresses: isCompressed(row),
  }
  const load: Load = isRoom && row.load.kind === 'broadcast' ? { ...row.load, kind: 'room', does: 'publish' } : row.load
  const program = row.api === undefined ? (isRoom ? rooms!.server : ownServer) : isRoom ? 'socket-io' : 'ws'
  const server = start(contender, `servers/${program}.js`, order)
  try {
    const { port } = await server.read<{ port: number }>(startMs)
    const speaks = isRoom ? (row.api === undefined ? rooms!.dialect : 'socket.io') : undefined
    const generator = startLoad({ load, pid: server.pid, port, tls: row.tls === true, speaks, ...times })
    try {
      return await generator.read<Measurement>(longestWait * (times.warmUpMs + times.measureMs) + graceMs)
    } finally {
      await generator.end()
    }
  } finally {
    await server.end()
  }
}

async function measureClient(
  contender: Contender,
  program: 'client' | 'topic-client',
  work: Omit<ClientOrder, 'port'> | Omit<TopicClientOrder, 'port'>,
  loadOrder: LoadOrder,
): Promise<Measurement> {
  const generator = startLoad(loadOrder)
  try {
    const { port } = await generator.read<{ port: number }>(startMs)
    const client = start(contender, `clients/${program}.js`, { ...work, port } as ClientOrder | TopicClientOrder)
    try {
      generator.writeLine(String(client.pid))
      const { warmUpMs, measureMs } = loadOrder
      const measurement = generator.read<Measurement>(longestWait * (warmUpMs + measureMs) + graceMs)
      return await Promise.race([measurement, client.untilEnd()])
    } finally {
      await client.end()
    }
  } finally {
    await generator.end()
  }
}

function start(
  { program, args, rival }: Contender,
  script: string,
  order: ServerOrder | ClientOrder | TopicClientOrder,
): PinnedProcess {
  return new PinnedProcess(program, [...args, join(programsOf(rival), script), JSON.stringify(order)], {
    duty: 'tested',
    env: { ...rival.env, ...trustingEnv },
  })
}

const certificateFile = join(tmpdir(), `twoway-bench-${process.pid}.pem`)

/** Has each runtime trust the certificate of the load. Its clients verify it, as they do by default. */
const trustingEnv = { NODE_EXTRA_CA_CERTS: certificateFile, DENO_CERT: certificateFile }

/** Writes the certificate for processes that start from now on. */
export function trust({ cert }: Identity): void {
  writeFileSync(certificateFile, cert)
  process.once('exit', () => rmSync(certificateFile, { force: true }))
}

/**
 * glibc maps and clears fresh pages for each read of 64 KiB otherwise, and the generator of long messages reaches its limit
 * before the process under test does.
 */
const keptMemoryEnv = { MALLOC_MMAP_THRESHOLD_: String(2 ** 25), MALLOC_TRIM_THRESHOLD_: String(2 ** 30) }

/** The generator runs on the same Node as this process. */
function startLoad(order: LoadOrder): PinnedProcess {
  const program = fileURLToPath(new URL('load/main.js', import.meta.url))
  return new PinnedProcess(process.execPath, [program, JSON.stringify(order)], { duty: 'load', env: keptMemoryEnv })
}
