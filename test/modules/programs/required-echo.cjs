const { echo } = require('./echo.cjs')
echo(require('./required.cjs'), 'echoed').then(console.log)
