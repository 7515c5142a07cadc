import { render } from 'preact'
import { connect } from './page/model.js'
import { Page } from './page/page.js'

render(<Page />, document.querySelector('#page')!)
connect()
