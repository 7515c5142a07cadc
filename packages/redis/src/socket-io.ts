export { createAdapter, type SocketIoOptions } from '@twoway/socket-io'
