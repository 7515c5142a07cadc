console.log(require('node:fs').readFileSync('.next/server/app/echo.body', 'utf8'))
