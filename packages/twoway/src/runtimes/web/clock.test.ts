import { clockContract } from '../../ports/clock.contract.js'
import { webClock } from './clock.js'

clockContract('web', webClock)
