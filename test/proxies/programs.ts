import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { installFromDebian } from '../debian-packages.js'
import { configurationOf, replaced } from './deploy-page.js'
import type { ProxyProgram } from './proxy-process.js'

/** Debian's packages, each with a file that it brings. */
const packages = {
  nginx: '/usr/sbin/nginx',
  'libnginx-mod-stream': '/usr/lib/nginx/modules/ngx_stream_module.so',
  haproxy: '/usr/sbin/haproxy',
  caddy: '/usr/bin/caddy',
} as const

/** Installs the proxies that are missing. */
export function installProxies(): void {
  const missing = Object.keys(packages).filter((name) => !existsSync(packages[name as keyof typeof packages]))
  if (missing.length > 0) installFromDebian(missing, `there is no ${missing.join(' and no ')}`)
}

/** The parts of a configuration that differ from those of the document. */
export interface Setting {
  /** The port of the proxy. */
  readonly port: number
  /** The port of the server behind it. */
  readonly serverPort: number
  /** The folder of the certificate and its key: `cert.pem`, `key.pem`, and `both.pem`. */
  readonly folder: string
}

/** A configuration of docs/how-to/deploy.md with which a program is started. */
export interface DeployedProxy {
  readonly name: string
  start(setting: Setting): ProxyProgram
}

function nginx(setting: Setting, configuration: string): ProxyProgram {
  const { folder } = setting
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${join(folder, name)};`,
  )
  const isStream = configuration.startsWith('stream {')
  return {
    program: packages.nginx,
    args: ['-e', 'stderr', '-c'],
    file: 'nginx.conf',
    configuration: [
      ...(isStream ? [`load_module ${packages['libnginx-mod-stream']};`] : []),
      `daemon off; worker_processes 1; pid ${join(folder, 'nginx.pid')};`,
      'error_log stderr; events {}',
      isStream ? configuration : `http {\naccess_log off; ${paths.join(' ')}\n${configuration}}`,
    ].join('\n'),
  }
}

function haproxy(configuration: string): ProxyProgram {
  return { program: packages.haproxy, args: ['-db', '-f'], file: 'haproxy.cfg', configuration }
}

/** The parts of nginx's configuration of a site that differ from those of the document. */
function nginxParts({ port, folder }: Setting, name: string): Record<string, string> {
  return {
    'listen 443 ssl': `listen 127.0.0.1:${port} ssl`,
    [`/etc/ssl/${name}.pem`]: join(folder, 'cert.pem'),
    [`/etc/ssl/${name}.key`]: join(folder, 'key.pem'),
  }
}

/** A site of Caddy in an instance of its own. */
function caddy({ port, folder }: Setting, name: string, configuration: string): ProxyProgram {
  const certificate = `tls ${join(folder, 'cert.pem')} ${join(folder, 'key.pem')}`
  const parts = { [`${name} {`]: `https://${name}:${port} {\n    bind 127.0.0.1\n    ${certificate}` }
  const alone = '{\n    admin off\n    auto_https disable_redirects\n}\n'
  return {
    program: packages.caddy,
    args: ['run', '--adapter', 'caddyfile', '--config'],
    file: 'Caddyfile',
    configuration: alone + replaced(configuration, parts),
  }
}

/** The proxies that speak HTTP, with TLS in front and under a path prefix. */
export const httpProxies: readonly DeployedProxy[] = [
  {
    name: 'nginx',
    start(setting) {
      const parts = { ...nginxParts(setting, 'chat.example.com'), '127.0.0.1:8080': `127.0.0.1:${setting.serverPort}` }
      return nginx(setting, replaced(configurationOf('nginx in front of your server', 'nginx'), parts))
    },
  },
  {
    name: 'nginx with an upstream whose first server has stopped',
    start(setting) {
      const servers = { '127.0.0.1:8080': '127.0.0.1:1', '127.0.0.1:8081': `127.0.0.1:${setting.serverPort}` }
      const upstream = replaced(configurationOf('nginx', 'nginx', 'how-to/shutdown.md'), servers)
      const parts = { ...nginxParts(setting, 'chat.example.com'), 'http://127.0.0.1:8080/': 'http://chat/' }
      return nginx(setting, upstream + replaced(configurationOf('nginx in front of your server', 'nginx'), parts))
    },
  },
  {
    name: 'Caddy',
    start(setting) {
      const parts = { '127.0.0.1:8080': `127.0.0.1:${setting.serverPort}` }
      return caddy(
        setting,
        'chat.example.com',
        replaced(configurationOf('Caddy in front of your server', 'caddy'), parts),
      )
    },
  },
  {
    name: 'HAProxy',
    start({ port, serverPort, folder }) {
      const parts = {
        'bind :443': `bind 127.0.0.1:${port}`,
        '/etc/ssl/chat.example.com.pem': join(folder, 'both.pem'),
        '127.0.0.1:8080': `127.0.0.1:${serverPort}`,
      }
      return haproxy(replaced(configurationOf('HAProxy in front of your server', 'haproxy'), parts))
    },
  },
]

/** The proxies that pass TLS on and send a PROXY header. */
export const tcpProxies: readonly DeployedProxy[] = [
  {
    name: 'HAProxy with version 2',
    start({ port, serverPort }) {
      const parts = { 'bind :443': `bind 127.0.0.1:${port}`, '127.0.0.1:8443': `127.0.0.1:${serverPort}` }
      return haproxy(replaced(configurationOf('The PROXY protocol', 'haproxy'), parts))
    },
  },
  {
    name: 'nginx with version 1',
    start(setting) {
      const { port, serverPort } = setting
      const parts = { 'listen 443': `listen 127.0.0.1:${port}`, '127.0.0.1:8443': `127.0.0.1:${serverPort}` }
      return nginx(setting, replaced(configurationOf('The PROXY protocol', 'nginx'), parts))
    },
  },
]

/** The proxies in front of the echo service. */
export const echoProxies: readonly DeployedProxy[] = [
  {
    name: 'nginx',
    start(setting) {
      const parts = { ...nginxParts(setting, 'echo.example.com'), '127.0.0.1:8080': `127.0.0.1:${setting.serverPort}` }
      return nginx(setting, replaced(configurationOf('nginx', 'nginx'), parts))
    },
  },
  {
    name: 'Caddy',
    start(setting) {
      const parts = { '127.0.0.1:8080': `127.0.0.1:${setting.serverPort}` }
      return caddy(setting, 'echo.example.com', replaced(configurationOf('Caddy', 'caddy'), parts))
    },
  },
]
