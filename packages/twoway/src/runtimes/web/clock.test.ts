import { clockContract } from 'twoway-testing/contracts/clock.contract.js'
import { webClock } from './clock.js'

clockContract('web', webClock)
