import { clockContract } from '../../ports/clock.contract.js'
import { nodeClock } from './clock.js'

clockContract('node', nodeClock)
