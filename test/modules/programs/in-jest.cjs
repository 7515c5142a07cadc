const { echo } = require('./echo.cjs')
const entries = require('./required.cjs')

test('echoes', async () => {
  expect(await echo(entries, 'echoed')).toBe('echoed')
})
