import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type DefaultTheme, defineConfig } from 'vitepress'
import { liveExamples } from './live-examples.ts'

const { homepage } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  readonly homepage: string
}
const repository = homepage.replace(/#.*$/, '')

interface Part {
  readonly folder: string
  readonly en: string
  readonly zh: string
  /** A page that only the Chinese site has, before the others. */
  readonly chinesePage?: readonly [file: string, zh: string]
  /** The pages with their names; without a Chinese name, a page is in English only. */
  readonly pages: readonly (readonly [file: string, en: string, zh?: string])[]
}

/** The Markdown files below `docs` that the Chinese site has too. */
const translatedPages = readdirSync(new URL('../zh', import.meta.url), { recursive: true, encoding: 'utf8' })
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => file.endsWith('.md') && existsSync(new URL(`../${file}`, import.meta.url)))

/** The pages of the entries, which scripts/docs-reference.cjs has written. */
function apiPages(): (readonly [file: string, en: string])[] {
  return readdirSync(new URL('../reference/api', import.meta.url))
    .filter((file) => !/^(?:index|examples)\./.test(file))
    .map((file) => {
      const name = file.replace('.md', '')
      const title = /^# (.*)$/m.exec(readFileSync(new URL(`../reference/api/${file}`, import.meta.url), 'utf8'))![1]!
      return [`api/${name}`, title] as const
    })
    .sort(([, one], [, other]) => Number(one.startsWith('@')) - Number(other.startsWith('@')) || (one < other ? -1 : 1))
}

const parts: readonly Part[] = [
  {
    folder: 'tutorial',
    en: 'Tutorial',
    zh: '教程',
    pages: [
      ['index', 'Two-way communication', '双向通信'],
      ['connect', '1. Connect', '1. 建立连接'],
      ['messages', '2. Text and binary messages', '2. 文本与二进制消息'],
      ['large-data', '3. Files, pixels and large data', '3. 文件、像素与大数据'],
      ['closing', '4. Closing and errors', '4. 关闭与错误'],
      ['drawing-board', '5. A drawing board for two', '5. 双人画板'],
    ],
  },
  {
    folder: 'how-to',
    en: 'How-to guides',
    zh: '操作指南',
    pages: [
      ['client', 'The client', '客户端'],
      ['server', 'The server', '服务端'],
      ['hub', 'Hub and link', 'hub 与 link'],
      ['authenticate', 'Authenticate clients', '身份验证'],
      ['sessions', 'Sessions, cookies and paths', '会话、cookie 与路径'],
      ['frameworks', 'Beside a framework', '与框架一起使用'],
      ['pages', 'React, Vue and other pages', 'React、Vue 与其他网页'],
      ['messages', 'Large messages, limits and compression', '大消息、限制与压缩'],
      ['scale', 'Several cores and machines', '多核与多机'],
      ['deploy', 'Behind nginx, Caddy and HAProxy', '部署在反向代理后面'],
      ['shutdown', 'Stop and deploy without loss', '停机与部署'],
      ['observability', 'Metrics, events and logs', '指标、事件与日志'],
      ['testing', 'Test programs that use Twoway', '测试使用 Twoway 的程序'],
      ['proxies', 'A client behind a proxy', '客户端通过代理连接'],
      ['command-line', 'Debug with the command line', '命令行'],
      ['modules', 'Import or require', 'import 与 require'],
      ['ws', 'Migrate from ws', '从 ws 迁移'],
      ['migrate', 'Migrate from Socket.IO, Bun and others', '从 Socket.IO、Bun 等迁移'],
    ],
  },
  {
    folder: 'explanation',
    en: 'Explanation',
    zh: '原理说明',
    pages: [
      ['how-it-works', 'How a message travels', '消息的旅程'],
      ['defaults', 'Why the defaults are as they are', '默认值的理由'],
      ['topics', 'Promises of topics', '主题的保证'],
      ['safety', 'Safe by default', '默认安全'],
      ['memory', 'Memory', '内存'],
      ['benchmarks', 'Benchmarks', '性能测试'],
      ['/decisions/', 'Decisions', '设计决策'],
    ],
  },
  {
    folder: 'reference',
    en: 'Reference',
    zh: '参考',
    chinesePage: ['index', '中文导读'],
    pages: [
      ['api/', 'API'],
      ...apiPages(),
      ['options', 'Options'],
      ['errors', 'Errors and close codes'],
      ['metrics', 'Metrics and channels'],
      ['command-line', 'Command line'],
      ['environment', 'Environment variables'],
      ['protocol', 'The subprotocol twoway.1'],
      ['whatwg', 'The WHATWG WebSocket, rule by rule'],
    ],
  },
]

/** @param language the language of the menu; pages without a translation lead to the English ones */
function sidebar(language: 'en' | 'zh'): DefaultTheme.SidebarItem[] {
  return parts.map(({ folder, pages, chinesePage, ...names }) => ({
    text: names[language],
    items: pagesIn(language, { pages, chinesePage }).map(([file, en, zh]) => {
      const path = file.startsWith('/') ? file : `/${folder}/${file === 'index' ? '' : file}`
      return language === 'zh' && zh !== undefined ? { text: zh, link: `/zh${path}` } : { text: en, link: path }
    }),
  }))
}

function pagesIn(language: 'en' | 'zh', { pages, chinesePage }: Pick<Part, 'pages' | 'chinesePage'>): Part['pages'] {
  if (language === 'en' || chinesePage === undefined) return pages
  const [file, zh] = chinesePage
  return [[file, zh, zh], ...pages]
}

const navigation = (language: 'en' | 'zh'): DefaultTheme.NavItem[] =>
  parts.map(({ folder, pages, chinesePage, ...names }) => {
    const [file, , zh] = pagesIn(language, { pages, chinesePage })[0]!
    const prefix = language === 'zh' && zh !== undefined ? '/zh' : ''
    return {
      text: names[language],
      link: `${prefix}/${folder}/${file === 'index' ? '' : file}`,
      activeMatch: `^${prefix}/${folder}/`,
    }
  })

export default defineConfig({
  title: 'Twoway',
  description: 'A WebSocket toolkit for TypeScript',
  cleanUrls: true,
  srcExclude: ['reference/api/examples.md', 'node_modules/**'],
  lastUpdated: false,
  vite: {
    resolve: {
      alias: [
        {
          find: /^.*\/composables\/langs$/,
          replacement: fileURLToPath(new URL('./theme/languages.ts', import.meta.url)),
        },
      ],
    },
  },
  head: [['link', { rel: 'icon', href: '/icon.svg', type: 'image/svg+xml' }]],
  locales: {
    root: {
      label: 'English',
      lang: 'en',
      themeConfig: { nav: navigation('en'), sidebar: sidebar('en') },
    },
    zh: {
      label: '简体中文',
      lang: 'zh-CN',
      description: 'TypeScript 的 WebSocket 工具包',
      themeConfig: {
        nav: navigation('zh'),
        sidebar: sidebar('zh'),
        outline: { label: '本页内容', level: [2, 3] },
        docFooter: { prev: '上一页', next: '下一页' },
        darkModeSwitchLabel: '外观',
        lightModeSwitchTitle: '切换到浅色主题',
        darkModeSwitchTitle: '切换到深色主题',
        sidebarMenuLabel: '菜单',
        returnToTopLabel: '返回顶部',
        langMenuLabel: '切换语言',
        skipToContentLabel: '跳转到正文',
        notFound: {
          title: '页面不存在',
          quote: '这个地址没有对应的页面。',
          linkLabel: '返回首页',
          linkText: '返回首页',
        },
      },
    },
  },
  themeConfig: {
    // For theme/languages.ts.
    translatedPages,
    outline: { level: [2, 3] },
    socialLinks: [{ icon: 'github', link: repository }],
    search: {
      provider: 'local',
      options: {
        locales: {
          zh: {
            translations: {
              button: { buttonText: '搜索', buttonAriaLabel: '搜索' },
              modal: {
                displayDetails: '显示详情',
                resetButtonTitle: '清除',
                backButtonTitle: '关闭',
                noResultsText: '没有结果',
                footer: { selectText: '选择', navigateText: '切换', closeText: '关闭' },
              },
            },
          },
        },
        miniSearch: {
          options: {
            // Chinese has no spaces between words.
            tokenize: (text) =>
              [...new Intl.Segmenter('zh', { granularity: 'word' }).segment(text)]
                .filter(({ isWordLike }) => isWordLike)
                .map(({ segment }) => segment),
          },
        },
      },
    },
  },
  markdown: {
    // The anchors of GitHub, so that a link works there too.
    anchor: {
      slugify: (heading) =>
        heading
          .toLowerCase()
          .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
          .replaceAll(' ', '-'),
    },
    languageAlias: { caddy: 'nginx', haproxy: 'nginx' },
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    config(markdown) {
      markdown.use(liveExamples)
      // Links to files of the repository outside docs/ lead to its site.
      const open = markdown.renderer.rules.link_open
      markdown.renderer.rules.link_open = (tokens, index, options, env: { readonly relativePath?: string }, self) => {
        const token = tokens[index]!
        const href = token.attrGet('href') ?? ''
        const path = posix.join('docs', posix.dirname(env.relativePath ?? ''), href)
        const isRelative = !/^(?:[a-z]+:|[/#])/i.test(href)
        if (isRelative && (!path.startsWith('docs/') || /\.json$/.test(path))) {
          token.attrSet('href', `${repository}/blob/main/${path}`)
        }
        return open?.(tokens, index, options, env, self) ?? self.renderToken(tokens, index, options)
      }
    },
  },
})
