import { echoOfBoth } from './both.mjs'

echoOfBoth().then(console.log)
