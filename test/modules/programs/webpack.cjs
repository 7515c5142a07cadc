const webpack = require('webpack')

const common = { mode: 'production', experiments: { topLevelAwait: true }, optimization: { minimize: false } }
const bundles = [
  { ...common, target: 'node20', entry: './both-main.mjs', output: { filename: 'both.cjs' } },
  { ...common, target: 'node20', entry: './required-echo.cjs', output: { filename: 'required.cjs' } },
  { ...common, target: 'web', entry: './browser.mjs', output: { filename: 'page.cjs' } },
]
for (const bundle of bundles) bundle.output.path = `${__dirname}/out/webpack`
webpack(bundles, (error, stats) => {
  if (!error && !stats.hasErrors() && !stats.hasWarnings()) return
  console.error(error ?? stats.toString())
  process.exitCode = 1
})
