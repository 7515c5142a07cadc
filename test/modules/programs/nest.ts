import 'reflect-metadata'
import { Injectable, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { WebSocket } from 'twoway'
import { attach } from 'twoway/server'

@Injectable()
class Answers {
  to(message: string): string {
    return message
  }
}

@Module({ providers: [Answers] })
class AppModule {}

async function main(): Promise<void> {
  const app = await NestFactory.create(AppModule, { logger: ['error'] })
  const answers = app.get(Answers)
  await app.listen(0, '127.0.0.1')
  const server = attach(app.getHttpServer(), { message: (socket, text) => void socket.send(answers.to(String(text))) })
  const socket = new WebSocket((await app.getUrl()).replace('http', 'ws'))
  socket.onopen = () => socket.send('echoed')
  console.log(await new Promise((resolve) => (socket.onmessage = ({ data }) => resolve(data))))
  socket.close()
  await server.close()
  await app.close()
}

void main()
