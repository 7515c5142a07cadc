import { strictEqual } from 'node:assert'
import { build, createServer } from 'vite'

const common = { configFile: false, logLevel: 'warn' }
const ssr = (outDir, noExternal) => ({
  ...common,
  build: { ssr: 'both-main.mjs', outDir, target: 'node20' },
  ...(noExternal && { ssr: { noExternal: true } }),
})
await build(ssr('out/vite/external', false))
await build(ssr('out/vite/bundled', true))
await build({
  ...common,
  build: { outDir: 'out/vite/page', lib: { entry: 'browser.mjs', formats: ['es'], fileName: 'page' } },
})
const server = await createServer({ ...common, server: { middlewareMode: true }, appType: 'custom' })
const { echo } = await server.ssrLoadModule('/typed-echo.ts')
strictEqual(await echo('echoed'), 'echoed')
await server.close()
