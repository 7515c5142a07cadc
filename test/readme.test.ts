import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startEcho } from './echo-process.js'

const read = (name: string): string => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8')

/** The code blocks of a document, without the comments of shell commands, which are in the document's language. */
function codeOf(document: string): string[] {
  return [...document.matchAll(/```(\w*)\n(.*?)```/gs)].map(([, language, code]) =>
    language === 'sh' ? code!.replaceAll(/ +#.*$/gm, '') : code!,
  )
}

describe('README.md and README.zh-CN.md', () => {
  const english = read('README.md')
  const chinese = read('README.zh-CN.md')

  it('show the same code', () => assert.deepEqual(codeOf(chinese), codeOf(english)))

  it('have at most 200 lines', () => {
    for (const text of [english, chinese]) assert.ok(text.split('\n').length <= 201)
  })

  it('have the same sections and name the same things', () => {
    const levels = (document: string): string[] => [...document.matchAll(/^#+/gm)].map(([marks]) => marks)
    assert.deepEqual(levels(chinese), levels(english))
    const names = (document: string): string[] => [...new Set(document.match(/`[^`\n]+`/g))].sort()
    assert.deepEqual(names(chinese), names(english))
  })
})

/** The code blocks of a document that name their language, without comments, which are in the document's language. */
function programsOf(document: string): string[] {
  return [...document.matchAll(/^```\w+\n.*?^```/gms)].map(([block]) =>
    block.replaceAll(/^ *(?:\/\*\* .* \*\/|\/\/ .*|# .*)\n| +\/\/ .*$/gm, ''),
  )
}

const withoutCode = (document: string): string => document.replaceAll(/^```.*?^```/gms, '')

/** The beginnings of headings, rows of tables and items of lists. */
function partsOf(document: string): string[] {
  return [...withoutCode(document).matchAll(/^(?:#+|\||-|\d+\.)(?= )/gm)].map(([mark]) => mark)
}

/** The code within the prose. */
function namesIn(document: string): string[] {
  return [...withoutCode(document).matchAll(/`[^`\n]+`/g)].map(([name]) => name)
}

describe('the Chinese pages', () => {
  const pages = ['how-to', 'explanation'].flatMap((folder) =>
    readdirSync(new URL(`../../docs/zh/${folder}`, import.meta.url)).map((file) => `${folder}/${file}`),
  )
  for (const page of pages) {
    const chinese = read(`docs/zh/${page}`)
    const english = read(`docs/${page}`)

    it(`show the same code as the English ones: ${page}`, () => {
      assert.deepEqual(programsOf(chinese), programsOf(english))
    })

    // Commands write the figures of these two pages; the Chinese pages explain them.
    if (/(?:safety|benchmarks)\.md$/.test(page)) continue
    it(`have the sections, tables and lists of the English ones, and what these name: ${page}`, () => {
      assert.deepEqual(partsOf(chinese), partsOf(english))
      const missing = namesIn(english).filter((name) => !namesIn(chinese).includes(name))
      assert.deepEqual(missing, [])
    })
  }
})

describe('the menu of the site', () => {
  const menu = read('docs/.vitepress/config.ts')
  const entries = [...menu.matchAll(/^ {4}folder: '(?<folder>[^']+)'(?<rest>.*?)^ {2}\}/gms)].flatMap(({ groups }) =>
    [...groups!.rest!.matchAll(/^ {6}\['(?<file>[\w/-]+)', '(?<english>[^']+)'(?:, '(?<chinese>[^']+)')?\]/gm)].map(
      (entry) => ({ ...entry.groups!, folder: groups!.folder! }) as unknown as Entry,
    ),
  )
  interface Entry {
    readonly folder: string
    readonly file: string
    readonly english: string
    readonly chinese: string | undefined
  }
  /** Pages of the reference that `npm run docs` writes. */
  const isGenerated = ({ folder, file }: Entry): boolean =>
    folder === 'reference' && /^(?:api\/|metrics|command-line)$/.test(file)
  const titleOf = (page: string): string => /^# (.*)$/m.exec(read(page))![1]!

  it('calls a page as its title does', () => {
    assert.ok(entries.length > 30)
    for (const entry of entries.filter((each) => !isGenerated(each))) {
      const path = entry.file.startsWith('/') ? `${entry.file}index` : `/${entry.folder}/${entry.file}`
      assert.equal(titleOf(`docs${path}.md`), entry.english)
      if (entry.chinese !== undefined) assert.equal(titleOf(`docs/zh${path}.md`), entry.chinese)
    }
  })
})

/** The text of a line as a page shows it: without the targets of links and the marks of emphasis. */
const shown = (line: string): string =>
  line
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll('*', '')
    .trim()

/** The lines of prose that end with a Chinese character, and go on with one in the next line. */
function brokenLines(document: string): string[] {
  const lines = withoutCode(document).split('\n')
  return lines.filter((line, index) => {
    const next = lines[index + 1] ?? ''
    if (/^ *(?:[-#|<]|\d+\. )/.test(next) || /^[#|]/.test(line)) return false
    return /\p{Script=Han}$/u.test(shown(line)) && /^\p{Script=Han}/u.test(shown(next))
  })
}

describe('the line breaks of Chinese prose', () => {
  it('are found within a sentence, also at a link', () => {
    assert.deepEqual(brokenLines('断线\n之后'), ['断线'])
    assert.deepEqual(brokenLines('- 见[选项](a.md)\n  之后'), ['- 见[选项](a.md)'])
    assert.deepEqual(brokenLines('断线，\n之后\n`send`\n- 一\n- 二\n\n三\n\n```\n四\n五\n```'), [])
  })

  // A browser shows a line break as a space, which Chinese does not have within a sentence.
  it('are not within a sentence', () => {
    const pages = readdirSync(new URL('../../docs/zh', import.meta.url), { recursive: true, encoding: 'utf8' })
    const documents = [
      'README.zh-CN.md',
      ...pages.filter((page) => page.endsWith('.md')).map((page) => `docs/zh/${page}`),
    ]
    assert.ok(documents.length > 30)
    assert.deepEqual(
      documents.flatMap((name) => brokenLines(read(name)).map((line) => `${name}: ${line}`)),
      [],
    )
  })
})

/** Runs a program that imports the library by its name, and returns what it prints. */
function run(program: string): string {
  const file = fileURLToPath(new URL('./readme-example.mjs', import.meta.url))
  writeFileSync(file, program)
  try {
    const { stdout, stderr } = spawnSync(process.execPath, [file], { encoding: 'utf8', timeout: 60_000 })
    assert.equal(stderr, '')
    return stdout
  } finally {
    rmSync(file)
  }
}

describe('packages/cli/README.md', () => {
  const commands = codeOf(read('packages/cli/README.md'))
    .flatMap((code) => code.trim().split('\n'))
    .map((line) => line.trim())

  it('shows each command', () => {
    const names = new Set(commands.map((line) => /twoway (\w+)/.exec(line)![1]))
    assert.deepEqual([...names].sort(), ['bench', 'connect', 'echo', 'listen'])
  })

  // A free port in place of 8080, and shorter measurements; the rest is unchanged.
  it('shows commands that end well', async () => {
    const echo = await startEcho()
    const { port } = new URL(echo.url)
    const main = fileURLToPath(new URL('bin/twoway.js', import.meta.resolve('@twoway/cli/package.json')))
    try {
      const ending = commands.filter((line) => /--(expect|timeout|duration) /.test(line))
      assert.equal(ending.length, 7)
      for (const line of ending) {
        const command = line
          .replaceAll('8080', port)
          .replace('--duration 2', '--duration 0.2')
          .replace('twoway', `"$NODE" "$TWOWAY"`)
        const env = { ...process.env, NODE: process.execPath, TWOWAY: main }
        const { status, stderr } = spawnSync('sh', ['-c', command], { encoding: 'utf8', timeout: 60_000, env })
        assert.equal(status, 0, `${line}: ${stderr}`)
      }
    } finally {
      await echo.process.kill()
    }
  })
})

describe('the programs of README.md and the guides', () => {
  /** The block of a document that contains a text. */
  const block = (document: string, text: string): string => codeOf(read(document)).find((code) => code.includes(text))!
  const client = block('README.md', 'new WebSocket(')
  const server = block('README.md', "from 'twoway/server'")
  const topics = block('README.md', 'new Link(')
  const chat = block('README.md', 'readFile')
  const attached = block('docs/how-to/server.md', 'attach(')
  const workers = block('docs/how-to/server.md', 'serveWorkers(')
  const memory = block('docs/how-to/testing.md', 'MemoryNetwork')
  const moved = ['const users', 'new WebSocket('].map((text) => block('docs/how-to/migrate.md', text))

  it('the one with topics gets its message', () => {
    const program = [
      topics
        .replace('await serve({ port: 8081', 'const server = await serve({ port: 0')
        .replace("'ws://127.0.0.1:8081'", 'server.url'),
      'link.close()',
      'await server.close()',
    ]
    assert.equal(run(program.join('\n')), 'Hello!\n')
  })

  it('the client talks to the server', () => {
    const program = [
      server.replace('8080', '0').replace('console.log(server.url)', ''),
      client.replace("'ws://127.0.0.1:8080'", 'server.url'),
      "socket.addEventListener('close', () => server.close())",
    ]
    assert.equal(run(program.join('\n')), 'Hello WebSockets!\n1000 bye true\n')
  })

  it('the chat keeps messages, shows who is there, and serves its page', () => {
    const program = [
      chat.replace('port: 8080', 'port: 0').replace("console.log(server.url.replace('ws', 'http'))", ''),
      "import { fileURLToPath } from 'node:url'",
      "import { Link } from 'twoway/link'",
      `const [ann, bob] = ['Ann', 'Bob'].map((name) => new Link(server.url, { token: () => name }))
      await ann.publish('room.1', 'Hello!')
      const shown = await new Promise((resolve) => {
        let text
        bob.subscribe('room.1', ({ from, data }) => { text = from + ': ' + data }, {
          last: 50,
          presence: ({ members }) => members.length === 1 && setTimeout(resolve, 0, members[0].user + ' reads ' + text),
        })
      })
      const module = await fetch(server.url.replace('ws', 'http') + '/twoway/entries/link-browser.js')
      const missing = await fetch(server.url.replace('ws', 'http') + '/package.json')
      const outside = await fetch(server.url.replace('ws', 'http') + '/twoway/' + fileURLToPath(import.meta.resolve('twoway')))
      console.log(shown, module.status, module.headers.get('content-type'), missing.status, outside.status)
      ann.close()
      bob.close()
      server.close()`,
    ]
    assert.equal(run(program.join('\n')), 'Bob reads Ann: Hello! 200 text/javascript 404 404\n')
  })

  it('the ones moved from ws talk to each other, and the server refuses a stranger', () => {
    const [server, client] = moved.map((code) => code.replace('port: 8080', 'port: 0'))
    const ofClient = (name: string): string =>
      client!
        .replace(/^import .*\n/, '')
        .replace("'ws://127.0.0.1:8080'", 'server.url')
        .replace('secret-of-bob', name)
    const program = [
      "import { HandshakeError, WebSocket } from 'twoway'",
      server!.replace('console.log(server.url)', ''),
      `const ann = new WebSocket(server.url, { headers: { Authorization: 'Bearer secret-of-ann' } })
      ann.onmessage = ({ data }) => ann.send(data)
      await new Promise((resolve) => { ann.onopen = resolve })
      await new Promise((resolve) => {
        ${ofClient('secret-of-bob')}
        socket.addEventListener('message', () => socket.close(1000, 'bye'))
        socket.addEventListener('close', resolve)
      })
      ${ofClient('stranger')}
      socket.addEventListener('close', () => server.close())`,
    ]
    const lines = run(program.join('\n')).trim().split('\n')
    assert.deepEqual(
      lines.sort(),
      [
        '1000 bye true',
        '1006  false',
        'Ann: Bob: Hello!',
        'Bob left: 1000 bye',
        'Ann left: 1001 the server is stopping',
        'refused: 401 Log in first.',
      ].sort(),
    )
  })

  it('the one that attaches runs beside its app', () => {
    const program = [
      attached.replace('listen(3000', 'listen(0'),
      `httpServer.once('listening', () => {
        const url = '127.0.0.1:' + httpServer.address().port
        const socket = new WebSocket('ws://' + url + '/chat')
        socket.onopen = () => socket.send('hi')
        socket.onmessage = async ({ data }) => {
          console.log(data, await (await fetch('http://' + url)).text())
          process.exit()
        }
      })`,
      "import { WebSocket } from 'twoway'",
    ]
    assert.equal(run(program.join('\n')), 'hi a page\n')
  })

  it('the one for several processes runs the server in them', () => {
    const module = fileURLToPath(new URL('./readme-server.mjs', import.meta.url))
    writeFileSync(module, server.replace('8080', '0').replace('console.log(server.url)', ''))
    try {
      const program = [
        workers.replace('./server.js', './readme-server.mjs'),
        "process.emit('SIGTERM')",
        "process.once('exit', () => console.log(workers.isReady))",
      ]
      assert.match(run(program.join('\n')), /^ws:\/\/127\.0\.0\.1:\d+ 0\nfalse\n$/)
    } finally {
      rmSync(module)
    }
  })

  it('the one without a network runs', () => {
    const program = `${memory}\nsocket.onopen = async () => { await server.close(); console.log(socket.readyState) }`
    assert.equal(run(program), '3\n')
  })
})
