import { echo } from './typed-echo.js'

void echo('echoed').then(console.log)
