import { createApp, defineComponent, h, ref } from 'vue'
import { useLink, useLinkStatus, useTopic } from './use-topic.js'

const name = new URLSearchParams(location.search).get('name') ?? 'guest'

const Chat = defineComponent({
  props: { room: { type: String, required: true } },
  setup(props) {
    const link = useLink(location.origin.replace('http', 'ws'), { token: () => name, maxWaitMs: 1000 })
    const status = useLinkStatus(link)
    const topic = useTopic(link, () => props.room)
    const text = ref('')
    const send = (event: Event): void => {
      event.preventDefault()
      link.publish(props.room, text.value).catch((failure: Error) => alert(failure.message))
      text.value = ''
    }
    return () => {
      const { messages, members, error } = topic.value
      return h('main', { 'data-state': status.value.state }, [
        h('p', { id: 'members' }, members.map(({ user }) => user).join(', ')),
        h(
          'ul',
          messages.map(({ from, data, position }) =>
            h('li', { key: `${position?.epoch} ${position?.offset}` }, `${from}: ${data}`),
          ),
        ),
        error && h('p', { role: 'alert' }, error.message),
        h('form', { onSubmit: send }, [
          h('input', {
            value: text.value,
            onInput: ({ target }: Event) => (text.value = (target as HTMLInputElement).value),
            'aria-label': 'Message',
          }),
        ]),
      ])
    }
  },
})

createApp(Chat, { room: 'room.1' }).mount('#app')
