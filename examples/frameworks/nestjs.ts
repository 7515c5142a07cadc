/**
 * A gateway of NestJS.
 *
 * `npm install @nestjs/common @nestjs/core @nestjs/platform-express @nestjs/websockets reflect-metadata rxjs twoway`, then
 * run it, connect to ws://127.0.0.1:3000/rooms/7 and send {"event":"say","data":"hi"}
 */
import 'reflect-metadata'
import { type CanActivate, type ExecutionContext, Module, UseGuards } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
  WsException,
} from '@nestjs/websockets'
import { interval, map, take } from 'rxjs'
import { NestAdapter } from 'twoway/frameworks'
import { attach, type Server, type ServerSocket } from 'twoway/server'

class OpenRooms implements CanActivate {
  canActivate(context: ExecutionContext) {
    return context.switchToWs().getClient<ServerSocket>().request.params.id !== 'archive'
  }
}

@WebSocketGateway({ path: '/rooms/:id' })
class RoomGateway {
  @WebSocketServer() server!: Server

  handleConnection(socket: ServerSocket) {
    socket.subscribe(`room.${socket.request.params.id}`)
  }

  @UseGuards(OpenRooms)
  @SubscribeMessage('say')
  say(@ConnectedSocket() socket: ServerSocket, @MessageBody() text: unknown) {
    if (typeof text !== 'string') throw new WsException('a text, please')
    this.server.publish(`room.${socket.request.params.id}`, JSON.stringify({ event: 'said', data: text }))
  }

  @SubscribeMessage('count')
  count(@MessageBody() to: number) {
    return interval(1).pipe(
      take(to),
      map((data) => ({ event: 'counted', data })),
    )
  }
}

@Module({ providers: [RoomGateway] })
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: ['error'] })
app.useWebSocketAdapter(new NestAdapter(({ handlers, path }) => attach(app.getHttpServer(), { path, ...handlers })))
await app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1')
console.log(`${(await app.getUrl()).replace('http', 'ws')}/rooms/7`)
