const { build } = require('esbuild')

/** @type {[string, import('esbuild').BuildOptions][]} */
const bundles = [
  [
    'node.mjs',
    {
      entryPoints: ['both-main.mjs'],
      platform: 'node',
      format: 'esm',
      banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    },
  ],
  ['node.cjs', { entryPoints: ['required-echo.cjs'], platform: 'node', format: 'cjs' }],
  [
    'external.mjs',
    {
      entryPoints: ['both-main.mjs'],
      platform: 'node',
      format: 'esm',
      packages: 'external',
      banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    },
  ],
  ['page.mjs', { entryPoints: ['browser.mjs'], platform: 'browser', format: 'esm' }],
  ['neutral.mjs', { entryPoints: ['browser.mjs'], platform: 'neutral', format: 'esm' }],
]
Promise.all(bundles.map(([outfile, options]) => build({ bundle: true, outfile: `out/esbuild/${outfile}`, ...options })))
