/** Reads a text file of the system; undefined if it can't be read. */
export type ReadSystemFile = (path: string) => string | undefined

/** The mount of a hierarchy of control groups. */
interface Mount {
  /** The group that is mounted. */
  readonly root: string
  readonly point: string
}

/** A hierarchy of control groups that can limit memory, by version. */
interface Hierarchy {
  /** Whether a line of /proc/self/cgroup is of this hierarchy. */
  isGroup(controllers: string): boolean
  /** Whether a mount is of this hierarchy. */
  isMount(type: string, options: readonly string[]): boolean
  /** The mount point of the hierarchy if /proc/self/mountinfo has none. */
  readonly usualPoint: string
  /** The files of a group that have a limit in bytes. */
  readonly files: readonly string[]
}

const hierarchies: readonly Hierarchy[] = [
  // Version 2. A process above memory.high is slowed down until it hardly runs, so that is a limit too.
  {
    isGroup: (controllers) => controllers === '',
    isMount: (type) => type === 'cgroup2',
    usualPoint: '/sys/fs/cgroup',
    files: ['memory.max', 'memory.high'],
  },
  // Version 1. memory.stat has the smallest limit of all groups above, also of those that a container does not see.
  {
    isGroup: (controllers) => controllers.split(',').includes('memory'),
    isMount: (type, options) => type === 'cgroup' && options.includes('memory'),
    usualPoint: '/sys/fs/cgroup/memory',
    files: ['memory.limit_in_bytes', 'memory.stat'],
  },
]

/** Bytes of memory that the control groups of this process allow it, as those of its container; Infinity for no limit. */
export function containerMemory(read: ReadSystemFile): number {
  const groups = linesOf(read('/proc/self/cgroup'))
  const mounts = linesOf(read('/proc/self/mountinfo'))
  return Math.min(
    ...hierarchies.map((hierarchy) => {
      const path = pathIn(hierarchy, groups)
      return path === undefined ? Number.POSITIVE_INFINITY : limitOf(hierarchy, path, mountOf(hierarchy, mounts), read)
    }),
  )
}

function linesOf(text: string | undefined): readonly string[] {
  return text?.split('\n').filter((line) => line !== '') ?? []
}

/** The group of this process. A line has the number of the hierarchy, its controllers, and the path, which may have colons. */
function pathIn(hierarchy: Hierarchy, groups: readonly string[]): string | undefined {
  for (const line of groups) {
    const found = /^\d+:([^:]*):(\/.*)$/.exec(line)
    if (found !== null && hierarchy.isGroup(found[1]!)) return found[2]!
  }
  return undefined
}

/** A line has ids, the root, the mount point, options, a dash, the type, the source, and options of the file system. */
function mountOf(hierarchy: Hierarchy, mounts: readonly string[]): Mount {
  for (const line of mounts) {
    const [before = '', after = ''] = line.split(' - ')
    const [, , , root, point] = before.split(' ')
    const [type = '', , options = ''] = after.split(' ')
    if (root !== undefined && point !== undefined && hierarchy.isMount(type, options.split(','))) {
      return { root: unescaped(root), point: unescaped(point) }
    }
  }
  return { root: '/', point: hierarchy.usualPoint }
}

/** The kernel writes white space in paths as octal numbers. */
function unescaped(path: string): string {
  return path.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}

/** The least limit of a group and of those above it, as far as they are mounted. */
function limitOf({ files }: Hierarchy, path: string, { root, point }: Mount, read: ReadSystemFile): number {
  const parts = partsBelow(root, path)
  let least = Number.POSITIVE_INFINITY
  for (let depth = parts.length; depth >= 0; depth--) {
    const folder = [point, ...parts.slice(0, depth)].join('/')
    for (const file of files) least = Math.min(least, bytesIn(read(`${folder}/${file}`)))
  }
  return least
}

/**
 * The names of the groups between the mounted one and that of the process. There are none if the path is not below the
 * mounted group: in a container with the host's path, the mounted group is the container's own.
 */
function partsBelow(root: string, path: string): readonly string[] {
  const base = root === '/' ? '' : root
  if (path !== base && !path.startsWith(`${base}/`)) return []
  const parts = path
    .slice(base.length)
    .split('/')
    .filter((part) => part !== '')
  return parts.includes('..') ? [] : parts
}

/** The limit in a file: a number, `max`, or a row of a table. */
function bytesIn(text: string | undefined): number {
  const found = /^(?:hierarchical_memory_limit )?(\d+)$/m.exec(text ?? '')
  return found === null ? Number.POSITIVE_INFINITY : Number(found[1])
}
