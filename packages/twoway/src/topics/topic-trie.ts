interface Node<Value> {
  children: Map<string, Node<Value>> | undefined
  /** The value of the pattern that ends here. */
  value: Value | undefined
}

/**
 * Values by topic or pattern (topic-name.ts). A search for the values that match a topic takes as long as the topic has tokens and
 * the patterns have wildcards at their places, whatever their number.
 */
export class TopicTrie<Value> {
  readonly #root: Node<Value> = { children: undefined, value: undefined }
  #size = 0

  /** The number of patterns. */
  get size(): number {
    return this.#size
  }

  get(pattern: string): Value | undefined {
    let node: Node<Value> | undefined = this.#root
    for (const token of pattern.split('.')) node = node?.children?.get(token)
    return node?.value
  }

  set(pattern: string, value: Value): void {
    let node = this.#root
    for (const token of pattern.split('.')) {
      node.children ??= new Map()
      let child = node.children.get(token)
      if (child === undefined) {
        child = { children: undefined, value: undefined }
        node.children.set(token, child)
      }
      node = child
    }
    if (node.value === undefined) this.#size += 1
    node.value = value
  }

  /** Removes a pattern, and the nodes that no other pattern needs. */
  delete(pattern: string): boolean {
    const tokens = pattern.split('.')
    const path = [this.#root]
    for (const token of tokens) {
      const child = path.at(-1)!.children?.get(token)
      if (child === undefined) return false
      path.push(child)
    }
    const last = path.at(-1)!
    if (last.value === undefined) return false
    last.value = undefined
    this.#size -= 1
    for (let depth = tokens.length; depth > 0; depth -= 1) {
      const { value, children } = path[depth]!
      if (value !== undefined || children !== undefined) break
      const parent = path[depth - 1]!
      parent.children!.delete(tokens[depth - 1]!)
      if (parent.children!.size === 0) parent.children = undefined
    }
    return true
  }

  /** Calls back with the value of each pattern that matches the topic. The patterns must not change meanwhile. */
  match(topic: string, visit: (value: Value) => void): void {
    this.#match(this.#root, topic.split('.'), 0, visit)
  }

  #match(
    { children, value }: Node<Value>,
    tokens: readonly string[],
    depth: number,
    visit: (value: Value) => void,
  ): void {
    if (depth === tokens.length) {
      if (value !== undefined) visit(value)
      return
    }
    if (children === undefined) return
    const rest = children.get('>')?.value
    if (rest !== undefined) visit(rest)
    const exact = children.get(tokens[depth]!)
    if (exact !== undefined) this.#match(exact, tokens, depth + 1, visit)
    const any = children.get('*')
    if (any !== undefined) this.#match(any, tokens, depth + 1, visit)
  }
}
