/** The page of the chat. */
import { Link, type LinkError, type LinkSubscription, type TopicMessage } from 'twoway/link'
import { type Language, words } from './words.js'

interface Shown {
  readonly id: string
  readonly text: string
  readonly from: string
  state: 'stored' | 'waiting' | string
}

const find = <Found extends HTMLElement>(selector: string): Found => document.querySelector<Found>(selector)!

let language: Language = navigator.language.startsWith('zh') ? 'zh' : 'en'
let link: Link
let name = sessionStorage.getItem('name') ?? ''
let room = ''
let subscriptions: LinkSubscription[] = []
/** The messages of the room by their ids: a message that comes twice is shown once. */
let messages = new Map<string, Shown>()
let members: readonly string[] = []
/** The last message that each user has read. */
let reads = new Map<string, string>()
let typing = new Map<string, number>()
/** The machines of the chat, if there are several. */
let machines: Machines | undefined

interface Machines {
  readonly node: number
  readonly nodes: number
  readonly broker: string
}

function enter(): void {
  sessionStorage.setItem('name', name)
  link = new Link(location.origin.replace('http', 'ws'), { token: () => ({ name }), maxWaitMs: 5000 })
  link.onStatus(showStatus)
  setInterval(showStatus, 1000)
  find('#entrance').hidden = true
  find('#chat').hidden = false
  show()
  void link.request('rooms').then((rooms) => {
    find('#rooms').replaceChildren(
      ...(rooms as string[]).map((each) => {
        const button = document.createElement('button')
        button.type = 'button'
        button.textContent = each
        button.onclick = () => open(each)
        return button
      }),
    )
    open(location.hash.slice(1) || (rooms as string[])[0]!)
  })
  void link.request('machines').then((found) => {
    machines = (found as unknown as Machines | null) ?? undefined
    show()
  })
  addEventListener('pointermove', moved)
}

/** The answer may not come, as the process that would give it is killed. */
function kill(victim: 'node' | 'broker'): void {
  link.request('kill', victim).catch(() => undefined)
}

function open(chosen: string): void {
  for (const subscription of subscriptions) subscription.unsubscribe()
  room = chosen
  location.hash = room
  messages = new Map()
  reads = new Map()
  typing = new Map()
  subscriptions = [
    link.subscribe(`room.${room}`, take, {
      last: 200,
      started: ({ recovered }) => {
        if (!recovered) void reload(room)
      },
      presence: (view) => {
        members = view.members.map(({ user }) => user)
        showMembers()
      },
    }),
    link.subscribe(
      `read.${room}`,
      ({ data }) => {
        const { user, id } = data as unknown as { user: string; id: string }
        reads.set(user, id)
        showMessages()
      },
      { last: 50 },
    ),
    link.subscribe(`typing.${room}`, ({ from }) => noteTyping(from!)),
    link.subscribe(`cursor.${room}`, ({ from, data }) => showCursor(from!, data as unknown as [number, number]), {
      slow: 'latest',
    }),
  ]
  show()
}

/** Messages may be missing: takes the room as the server has it. Messages that wait to be sent stay at the end. */
async function reload(of: string): Promise<void> {
  const history = await link.history(`room.${of}`, { last: 1000 })
  if (of !== room) return
  const waiting = [...messages.values()].filter(({ state }) => state !== 'stored')
  // Messages that came meanwhile are in the history, or follow it.
  const before = messages
  messages = new Map()
  for (const message of history) note(message)
  for (const [id, shown] of before) if (shown.state === 'stored' && !messages.has(id)) messages.set(id, shown)
  for (const shown of waiting) if (!messages.has(shown.id)) messages.set(shown.id, shown)
  showMessages()
}

function take(message: TopicMessage): void {
  const id = note(message)
  typing.delete(message.from ?? '')
  showMessages()
  showTyping()
  if (message.from !== name && document.visibilityState === 'visible') {
    link.request('read', { room, id }).catch(() => undefined)
  }
}

function note({ data, from }: TopicMessage): string {
  const { id, text, by } = data as unknown as { id: string; text: string; by?: string }
  // A message of our own that waited moves to its place.
  messages.delete(id)
  messages.set(id, { id, text, from: from ?? by ?? '', state: 'stored' })
  return id
}

function send(text: string): void {
  const shown: Shown = { id: crypto.randomUUID(), text, from: name, state: 'waiting' }
  messages.set(shown.id, shown)
  typedAt = 0
  store(room, shown)
  showMessages()
}

/** Has a message stored. While the server's broker is away, it tries again. */
function store(of: string, shown: Shown): void {
  const { id, text } = shown
  // The id is the key too: the message takes effect once, however often it is sent.
  link.publish(`room.${of}`, { id, text }, { key: id, timeoutMs: 600_000 }).catch((error: LinkError) => {
    if (error.code === 'unavailable') {
      setTimeout(() => store(of, shown), error.retryAfterMs)
      return
    }
    shown.state = error.message
    showMessages()
  })
}

/** When the others were told that this user types; 0 for not since the last message. */
let typedAt = 0
function typed(): void {
  if (Date.now() - typedAt < 1000) return
  typedAt = Date.now()
  void link.publish(`typing.${room}`, true, { volatile: true, key: name })
}

function noteTyping(user: string): void {
  if (user === name) return
  typing.set(user, Date.now())
  showTyping()
  setTimeout(() => {
    if (Date.now() - (typing.get(user) ?? 0) < 2900) return
    typing.delete(user)
    showTyping()
  }, 3000)
}

let movedAt = 0
function moved({ clientX, clientY }: PointerEvent): void {
  if (Date.now() - movedAt < 60) return
  movedAt = Date.now()
  void link.publish(`cursor.${room}`, [clientX / innerWidth, clientY / innerHeight], { volatile: true, key: name })
}

function showCursor(user: string, [x, y]: [number, number]): void {
  if (user === name) return
  const id = `cursor ${user}`
  let cursor = document.getElementById(id)
  if (cursor === null) {
    cursor = document.createElement('span')
    cursor.id = id
    cursor.textContent = user
    find('#cursors').append(cursor)
  }
  cursor.style.left = `${x * 100}%`
  cursor.style.top = `${y * 100}%`
}

// The view.

function show(): void {
  const { title, name: label, enter: button, message, send: sendLabel, language: other } = words[language]
  document.documentElement.lang = language
  document.title = title
  find('#entrance h1').textContent = title
  find('#name-label').textContent = label
  find('#entrance button').textContent = button
  find<HTMLInputElement>('#text').placeholder = message
  find('#text').setAttribute('aria-label', message)
  find('#messages').setAttribute('aria-label', title)
  find('#rooms').setAttribute('aria-label', words[language].rooms)
  find('#composer button').textContent = sendLabel
  find('#language').textContent = other
  find('#machines').hidden = machines === undefined
  if (machines !== undefined) {
    const { machine, killNode, killBroker } = words[language]
    find('#machine').textContent = machine(machines.node, machines.nodes, machines.broker)
    find('#kill-node').textContent = killNode
    find('#kill-broker').textContent = killBroker
  }
  for (const each of document.querySelectorAll('#rooms button')) {
    each.toggleAttribute('aria-current', each.textContent === room)
  }
  if (link !== undefined) showStatus()
  showMembers()
  showMessages()
  showTyping()
}

function showStatus(): void {
  const { state, why, nextAttemptAt } = link.status
  const { online, connecting, offline, closed } = words[language]
  const seconds = Math.max(0, Math.ceil(((nextAttemptAt ?? 0) - performance.now()) / 1000))
  const texts = { online, connecting, offline: offline(seconds), closed: closed(why) }
  find('#status').textContent = texts[state]
  find('#status').dataset.state = state
}

function showMembers(): void {
  find('#members').textContent = `${words[language].here(members.length)}: ${members.join(', ')}`
}

function showTyping(): void {
  find('#typing').textContent = typing.size === 0 ? '' : words[language].typing([...typing.keys()].join(', '))
}

function showMessages(): void {
  const list = find('#messages')
  const isAtEnd = list.scrollTop + list.clientHeight >= list.scrollHeight - 40
  list.replaceChildren(
    ...[...messages.values()].map(({ id, text, from, state }) => {
      const item = document.createElement('li')
      item.dataset.id = id
      item.className = `${from === name ? 'own' : ''} ${state === 'waiting' ? 'waiting' : ''}`
      const readers = [...reads].filter(([user, read]) => read === id && user !== from).map(([user]) => user)
      const note =
        state === 'waiting'
          ? words[language].waiting
          : state !== 'stored'
            ? words[language].failed(state)
            : readers.length > 0
              ? words[language].readBy(readers.join(', '))
              : ''
      for (const [kind, content] of [
        ['from', from],
        ['text', text],
        ['note', note],
      ] as const) {
        if (content === '') continue
        const part = document.createElement('span')
        part.className = kind
        part.textContent = content
        item.append(part)
      }
      return item
    }),
  )
  if (isAtEnd) list.scrollTop = list.scrollHeight
}

find<HTMLFormElement>('#entrance').onsubmit = (event) => {
  event.preventDefault()
  name = find<HTMLInputElement>('#name').value.trim()
  if (name !== '') enter()
}
find<HTMLFormElement>('#composer').onsubmit = (event) => {
  event.preventDefault()
  const input = find<HTMLInputElement>('#text')
  if (input.value.trim() !== '') send(input.value)
  input.value = ''
}
find('#text').oninput = typed
find('#kill-node').onclick = () => kill('node')
find('#kill-broker').onclick = () => kill('broker')
find('#language').onclick = () => {
  language = language === 'en' ? 'zh' : 'en'
  show()
}
show()
if (name !== '') enter()
