import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from 'twoway-testing/peers/free-ports.js'
import { installPackages } from '../runtimes/install-packages.js'
import { type Deployment, service } from './deployments.js'

const version = '7.0.4'
const folder = fileURLToPath(new URL('../../../.scratch/pm2/', import.meta.url))

/** The program of PM2, once it is installed. */
export const pm2Command = join(folder, 'node_modules/pm2/bin/pm2')

export function installPm2(): void {
  installPackages(folder, { pm2: version })
}

/** PM2's reload in cluster mode, with two processes. */
export function pm2Reload(): Deployment {
  let home = ''
  const pm2 = async (args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<void> => {
    const child = spawn(process.execPath, [pm2Command, ...args], {
      env: { ...env, PM2_HOME: home },
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    const [code] = await once(child, 'exit')
    if (code !== 0) throw new Error(`pm2 ${args.join(' ')} ended with ${code}`)
  }
  return {
    name: '`pm2 reload`, cluster mode, two processes',
    async start(env) {
      if (!existsSync(pm2Command)) installPm2()
      home = mkdtempSync(join(tmpdir(), 'twoway-pm2-'))
      const port = await freePort()
      const options = ['-i', '2', '--name', 'service', '--wait-ready', '--kill-timeout', '6000']
      await pm2(['start', service, ...options, '--', 'port', String(port)], env)
      return port
    },
    deploy: () => pm2(['reload', 'service']),
    async stop() {
      await pm2(['kill'])
      rmSync(home, { recursive: true, force: true })
    },
  }
}
