export { type NatsBroker, type NatsBrokerOptions, natsBroker } from './nats-broker.js'
