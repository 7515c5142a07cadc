import { writePage } from './options-page.js'

// `npm run docs:options`
writePage()
