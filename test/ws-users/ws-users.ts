/** A program in which packages from npm use ws, and which ends with 0 if they do their job. */
export interface WsUser {
  /** Of the file `programs/NAME.mjs`. */
  readonly name: string
  /** The behaviour that it shows. */
  readonly shows: string
  /** The packages that it tries, with their versions. */
  readonly packages: Readonly<Record<string, string>>
  /** The packages that it imports beside them. */
  readonly others?: Readonly<Record<string, string>>
  /** The packages that load ws: each must get the one that is tested. */
  readonly users: readonly string[]
  /** The ends of connections that are of ws: the other end of some is a browser. */
  readonly ends: readonly End[]
  /** It is part of `--quick`. */
  readonly isQuick?: boolean
  /** A program of Debian that it starts. */
  readonly needs?: 'chromium' | 'chromium-driver'
}

export type End = 'client' | 'server'

const both: readonly End[] = ['client', 'server']
const graphql = { graphql: '16.15.0' }
const nest = {
  '@nestjs/common': '12.5.1',
  '@nestjs/core': '12.5.1',
  '@nestjs/platform-express': '12.5.1',
  '@nestjs/websockets': '12.1.1',
  'reflect-metadata': '0.2.2',
  rxjs: '7.8.2',
}

/** All programs, in the order in which they run. The versions are the last ones for Node 20. */
export const wsUsers: readonly WsUser[] = [
  {
    name: 'engine-io',
    shows: 'text and bytes by WebSocket, the upgrade from polling, compression, and each end that closes',
    packages: { 'engine.io': '6.6.11', 'engine.io-client': '6.6.8' },
    users: ['engine.io', 'engine.io-client'],
    ends: both,
    isQuick: true,
  },
  {
    name: 'socket-io',
    shows: 'acknowledgements, bytes, rooms, broadcasts that are encoded once, volatile messages, and compression',
    packages: { 'socket.io': '4.8.4', 'socket.io-client': '4.8.4' },
    users: ['engine.io', 'engine.io-client', 'socket.io-adapter'],
    ends: both,
    isQuick: true,
  },
  {
    name: 'graphql-ws',
    shows: 'queries, subscriptions that complete or are left, and the close codes of the protocol',
    packages: { 'graphql-ws': '6.4.2' },
    others: graphql,
    users: ['graphql-ws'],
    ends: both,
    isQuick: true,
  },
  {
    name: 'subscriptions-transport-ws',
    shows: 'queries and subscriptions of the older subprotocol graphql-ws',
    packages: { 'subscriptions-transport-ws': '0.11.0' },
    others: graphql,
    users: ['subscriptions-transport-ws'],
    ends: both,
  },
  {
    name: 'fastify-websocket',
    shows: 'routes, hooks that refuse, injectWS, a broadcast, the stream of a socket, and the end of the server',
    packages: { '@fastify/websocket': '11.3.6' },
    others: { fastify: '5.12.8' },
    users: ['@fastify/websocket'],
    ends: both,
    isQuick: true,
  },
  {
    name: 'express-ws',
    shows: 'routes with parameters and middleware, and a broadcast to getWss().clients',
    packages: { 'express-ws': '5.0.2' },
    others: { express: '4.22.3' },
    users: ['express-ws'],
    ends: both,
    isQuick: true,
  },
  {
    name: 'nestjs-platform-ws',
    shows: 'gateways on two paths, answers, Observables, a broadcast, and both hooks',
    packages: { '@nestjs/platform-ws': '12.1.1' },
    others: nest,
    users: ['@nestjs/platform-ws'],
    ends: both,
  },
  {
    name: 'hono-node-ws',
    shows: 'a route with text, bytes and a close, and a middleware that refuses',
    packages: { '@hono/node-ws': '1.3.1' },
    others: { hono: '4.13.19', '@hono/node-server': '1.19.19' },
    users: ['@hono/node-ws'],
    ends: both,
  },
  {
    name: 'webpack-dev-server',
    shows: 'hot reloading of a page that changes',
    packages: { 'webpack-dev-server': '5.2.7' },
    others: { webpack: '5.113.0' },
    users: ['webpack-dev-server'],
    ends: both,
  },
  {
    name: 'trpc',
    shows: 'queries, subscriptions, the context of a request, and a notice to connect again',
    packages: { '@trpc/server': '11.25.2', '@trpc/client': '11.25.2' },
    users: ['@trpc/server'],
    ends: both,
  },
  {
    name: 'y-websocket',
    shows: 'two documents that become one, awareness, and a provider that connects again',
    packages: { 'y-websocket': '3.1.0', '@y/websocket-server': '0.1.1' },
    others: { yjs: '13.6.33' },
    users: ['@y/websocket-server'],
    ends: both,
  },
  {
    name: 'mqtt',
    shows: 'MQTT with QoS 1 and long messages, by createWebSocketStream in the broker aedes',
    packages: { mqtt: '5.16.0', aedes: '1.2.0' },
    users: ['mqtt'],
    ends: both,
  },
  {
    name: 'rpc-websockets',
    shows: 'calls, notifications, events, errors, and a client that connects again',
    packages: { 'rpc-websockets': '10.0.1' },
    users: ['rpc-websockets'],
    ends: both,
  },
  {
    name: 'ethers',
    shows: 'calls and new blocks of a WebSocketProvider, with a stub of a node',
    packages: { ethers: '6.17.0' },
    users: ['ethers'],
    ends: both,
  },
  {
    name: 'viem',
    shows: 'calls and new blocks of the transport webSocket, with a stub of a node',
    packages: { viem: '2.57.20' },
    users: ['viem', 'isows'],
    // The client takes the WebSocket of the platform if it has one.
    ends: 'WebSocket' in globalThis ? ['server'] : both,
  },
  {
    name: 'discord-js',
    shows: 'the gateway of a bot: hello, identify, heartbeats, a message, and a resumed session, with a stub',
    packages: { 'discord.js': '14.28.1' },
    users: ['@discordjs/ws'],
    ends: both,
  },
  {
    name: 'ably',
    shows: 'a channel that is attached, published to and read, with a stub of the service',
    packages: { ably: '2.28.0' },
    users: ['ably'],
    ends: both,
  },
  {
    name: 'jsdom',
    shows: 'the WebSocket of a page: text, a Blob, cookies, the origin, and the events of its end',
    packages: { jsdom: '27.4.0' },
    users: ['jsdom'],
    ends: both,
  },
  {
    name: 'puppeteer-core',
    shows: 'a page of Chromium: functions of the page, a screenshot, and a large result',
    packages: { 'puppeteer-core': '24.43.1' },
    users: ['puppeteer-core'],
    ends: ['client'],
    needs: 'chromium',
  },
  {
    name: 'chrome-remote-interface',
    shows: 'commands and events of the DevTools protocol',
    packages: { 'chrome-remote-interface': '0.34.0' },
    users: ['chrome-remote-interface'],
    ends: ['client'],
    needs: 'chromium',
  },
  {
    name: 'selenium-webdriver',
    shows: 'events of the log and a navigation by WebDriver BiDi',
    packages: { 'selenium-webdriver': '4.46.0' },
    users: ['selenium-webdriver'],
    ends: ['client'],
    needs: 'chromium-driver',
  },
]
