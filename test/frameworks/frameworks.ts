/** A program that uses Twoway beside packages of others, and ends with 0 if all is as it should be. */
export interface Framework {
  /** Of the file `test/frameworks/NAME.mjs`. */
  readonly name: string
  /** The example of `examples/frameworks` that it runs, if that has another name. */
  readonly example?: string
  /** The behaviour that it shows. */
  readonly shows: string
  /** The packages that it imports, with their versions. */
  readonly packages: Readonly<Record<string, string>>
}

/** All programs, in the order in which they run. */
export const frameworks: readonly Framework[] = [
  {
    name: 'express-session',
    shows: 'the session of Express, read, changed and created by a handshake',
    packages: { express: '5.3.0', 'express-session': '1.19.0' },
  },
  {
    name: 'cookie-session',
    shows: 'a session in a signed cookie, changed by a handshake',
    packages: { 'cookie-session': '2.1.1' },
  },
  {
    name: 'express-workers',
    shows: 'a chat of logged-in users in two processes, its metrics, and SIGTERM',
    packages: { express: '5.3.0', 'cookie-session': '2.1.1' },
  },
  {
    name: 'passport',
    shows: 'the user of Passport, and its refusals',
    packages: { express: '5.3.0', 'express-session': '1.19.0', passport: '0.7.0', 'passport-local': '1.0.0' },
  },
  {
    name: 'fastify-session',
    shows: 'the session of Fastify',
    packages: { fastify: '5.12.8', '@fastify/cookie': '11.1.5', '@fastify/session': '11.1.3' },
  },
  {
    name: 'nest-guards',
    shows: 'a guard of NestJS that decides on a handshake',
    packages: {
      '@nestjs/common': '12.5.1',
      '@nestjs/core': '12.5.1',
      '@nestjs/platform-express': '12.5.1',
      'reflect-metadata': '0.2.2',
      rxjs: '7.8.2',
    },
  },
  {
    name: 'graphql-ws',
    shows: 'queries and subscriptions of GraphQL, with the client of graphql-ws',
    packages: { graphql: '16.15.0', 'graphql-ws': '6.4.2' },
  },
  {
    name: 'trpc',
    shows: 'queries and subscriptions of tRPC, with its client, and its reconnects',
    packages: { '@trpc/server': '11.25.2', '@trpc/client': '11.25.2' },
  },
  {
    name: 'aedes',
    shows: 'MQTT with QoS 1 and long messages, with the client mqtt',
    packages: { aedes: '1.2.0', mqtt: '5.16.0' },
  },
  {
    name: 'h3',
    shows: 'a route of h3 that hands its upgrades over',
    packages: { h3: '2.0.8', crossws: '0.4.17', srvx: '1.0.8' },
  },
  {
    name: 'nitro',
    shows: 'a route of Nitro, built for production',
    packages: { nitro: '3.0.260903-beta', h3: '2.0.8', crossws: '0.4.17' },
  },
  {
    name: 'h3-hooks',
    shows: 'hooks of crossws as routes of h3, its middleware, and publish',
    packages: { h3: '2.0.8', crossws: '0.4.17' },
  },
  {
    name: 'nestjs',
    shows: 'a gateway of NestJS with rooms, Observables and exceptions',
    packages: {
      '@nestjs/common': '12.5.1',
      '@nestjs/core': '12.5.1',
      '@nestjs/platform-express': '12.5.1',
      '@nestjs/websockets': '12.1.1',
      'reflect-metadata': '0.2.2',
      rxjs: '7.8.2',
    },
  },
  {
    name: 'webpack-dev-server',
    shows: 'an echo beside hot reloading by webpack-dev-server',
    // The last major version for Node 20.
    packages: { webpack: '5.113.0', 'webpack-dev-server': '5.2.7' },
  },
  {
    name: 'next',
    shows: 'a custom server of Next.js, beside its hot reloading',
    packages: { next: '16.4.6', react: '19.3.1', 'react-dom': '19.3.1' },
  },
  {
    name: 'next-production',
    example: 'next',
    shows: 'the same server of Next.js, built for production',
    packages: { next: '16.4.6', react: '19.3.1', 'react-dom': '19.3.1' },
  },
]
