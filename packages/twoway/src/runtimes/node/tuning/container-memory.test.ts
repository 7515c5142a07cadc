import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { containerMemory } from './container-memory.js'

const MiB = 2 ** 20
/** The value of version 1 for no limit: the last page of the address space. */
const unlimitedV1 = '9223372036854771712\n'

/** The memory that is allowed by fake files of the system. */
function allowed(files: Readonly<Record<string, string>>): number {
  return containerMemory((path) => (Object.hasOwn(files, path) ? files[path] : undefined))
}

const v2Mount = '31 24 0:27 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate\n'
const v1Mounts = [
  '30 25 0:26 / /sys/fs/cgroup ro,nosuid shared:9 - tmpfs tmpfs ro,mode=755',
  '32 30 0:28 / /sys/fs/cgroup/cpu,cpuacct rw shared:11 - cgroup cgroup rw,cpu,cpuacct',
  '33 30 0:29 / /sys/fs/cgroup/memory rw shared:12 - cgroup cgroup rw,memory',
  '',
].join('\n')

describe('the memory of a container, cgroup version 2', () => {
  it('is memory.max of its own group, which is the root in a namespace of its own', () => {
    const files = {
      '/proc/self/cgroup': '0::/\n',
      '/proc/self/mountinfo': v2Mount,
      '/sys/fs/cgroup/memory.max': `${512 * MiB}\n`,
      '/sys/fs/cgroup/memory.high': 'max\n',
    }
    assert.equal(allowed(files), 512 * MiB)
  })

  it('is the least limit of the group and of those above it', () => {
    const files = {
      '/proc/self/cgroup': '0::/system.slice/chat.service\n',
      '/proc/self/mountinfo': v2Mount,
      '/sys/fs/cgroup/system.slice/chat.service/memory.max': 'max\n',
      '/sys/fs/cgroup/system.slice/memory.max': `${300 * MiB}\n`,
    }
    assert.equal(allowed(files), 300 * MiB)
    const own = '/sys/fs/cgroup/system.slice/chat.service/memory.max'
    assert.equal(allowed({ ...files, [own]: `${200 * MiB}\n` }), 200 * MiB)
  })

  it('is memory.high where that is less: beyond it the kernel slows the process down', () => {
    const files = { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/memory.max': `${512 * MiB}\n` }
    assert.equal(allowed({ ...files, '/sys/fs/cgroup/memory.high': `${400 * MiB}\n` }), 400 * MiB)
  })

  it('is read below the mount point, wherever that is', () => {
    const files = {
      '/proc/self/cgroup': '0::/a b/c\n',
      '/proc/self/mountinfo': '31 24 0:27 /a\\040b /run/my\\040cgroup rw - cgroup2 none rw\n',
      '/run/my cgroup/c/memory.max': `${64 * MiB}\n`,
    }
    assert.equal(allowed(files), 64 * MiB)
  })
})

describe('the memory of a container, cgroup version 1', () => {
  it('is memory.limit_in_bytes of its own group', () => {
    const files = {
      '/proc/self/cgroup': '4:cpu,cpuacct:/other\n3:memory:/docker/abc:def\n1:name=systemd:/docker/abc\n',
      '/proc/self/mountinfo': v1Mounts,
      '/sys/fs/cgroup/memory/docker/abc:def/memory.limit_in_bytes': `${256 * MiB}\n`,
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': unlimitedV1,
    }
    assert.equal(allowed(files), 256 * MiB)
  })

  it('is that of the mounted group where the path is that of the host', () => {
    const files = {
      '/proc/self/cgroup': '3:memory:/docker/abc\n',
      '/proc/self/mountinfo': '33 30 0:29 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n',
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': `${128 * MiB}\n`,
    }
    assert.equal(allowed(files), 128 * MiB)
    const unmounted = { ...files, '/proc/self/mountinfo': '' }
    assert.equal(allowed(unmounted), 128 * MiB)
  })

  it('is the limit of a group above it that the container does not see', () => {
    const files = {
      '/proc/self/cgroup': '3:memory:/\n',
      '/proc/self/mountinfo': v1Mounts,
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': unlimitedV1,
      '/sys/fs/cgroup/memory/memory.stat': `cache 5\nrss 7\nhierarchical_memory_limit ${96 * MiB}\ntotal_cache 9\n`,
    }
    assert.equal(allowed(files), 96 * MiB)
  })

  it('is more than any machine has where nothing limits it', () => {
    const files = { '/proc/self/cgroup': '3:memory:/\n', '/sys/fs/cgroup/memory/memory.limit_in_bytes': unlimitedV1 }
    assert.ok(allowed(files) > 2 ** 62)
  })
})

describe('the memory of no container', () => {
  it('has no limit, whatever the files are', () => {
    for (const cgroup of ['', '0::/\n', '0::/../other\n', '3:memory:/\n', 'nonsense\n', '0:\n']) {
      assert.equal(allowed({ '/proc/self/cgroup': cgroup }), Number.POSITIVE_INFINITY, cgroup)
    }
    const garbled = { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/memory.max': '12 apples\n' }
    assert.equal(allowed(garbled), Number.POSITIVE_INFINITY)
    assert.equal(allowed({}), Number.POSITIVE_INFINITY)
  })

  it('stays within the mount, whatever the path is', () => {
    const asked: string[] = []
    containerMemory((path) => {
      asked.push(path)
      return path === '/proc/self/cgroup' ? '0::/../../etc\n' : undefined
    })
    assert.deepEqual(
      asked.filter((path) => path.includes('..')),
      [],
    )
  })
})

describe('both versions at once', () => {
  it('have the lesser limit', () => {
    const files = {
      '/proc/self/cgroup': '3:memory:/a\n0::/a\n',
      '/proc/self/mountinfo': `${v1Mounts}34 30 0:30 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n`,
      '/sys/fs/cgroup/memory/a/memory.limit_in_bytes': `${80 * MiB}\n`,
      '/sys/fs/cgroup/unified/a/memory.max': `${70 * MiB}\n`,
    }
    assert.equal(allowed(files), 70 * MiB)
    assert.equal(allowed({ ...files, '/sys/fs/cgroup/unified/a/memory.max': 'max\n' }), 80 * MiB)
  })
})
