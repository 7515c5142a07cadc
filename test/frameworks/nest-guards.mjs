import 'reflect-metadata'
import assert from 'node:assert/strict'
import { Injectable, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js'
import { attach } from 'twoway/server'
import { connect } from './handshake.mjs'

/** A guard as an application has it for its controllers. */
class TokenGuard {
  async canActivate(context) {
    const request = context.switchToHttp().getRequest()
    request.user = { 'token-of-ann': 'Ann' }[request.headers.authorization]
    return request.user !== undefined
  }
}
Injectable()(TokenGuard)

class AppModule {}
Module({ providers: [TokenGuard] })(AppModule)

const app = await NestFactory.create(AppModule, { logger: false })
await app.listen(0, '127.0.0.1')
const guard = app.get(TokenGuard)

const chat = attach(app.getHttpServer(), {
  path: '/rooms/:id',
  async upgrade({ params }, { nodeRequest }) {
    if (!(await guard.canActivate(new ExecutionContextHost([nodeRequest])))) return { status: 403 }
    return { data: `${nodeRequest.user} in ${params.id}` }
  },
  open: (socket) => socket.send(socket.data),
})
const url = (await app.getUrl()).replace('http', 'ws')
const headers = { authorization: 'token-of-ann' }
assert.equal((await connect(`${url}/rooms/7`, headers)).data, 'Ann in 7')
assert.equal((await connect(`${url}/rooms/7`)).status, 403)
await chat.close()
await app.close()
