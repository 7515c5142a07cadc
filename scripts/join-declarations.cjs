/** Joins the declarations of the library for the published package: a file for each room in place of one for each module. */

const { posix } = require('node:path')
const ts = require('typescript-6')

/**
 * @typedef {import('typescript-6').Node} Node
 * @typedef {import('typescript-6').Statement} Statement
 * @typedef {import('typescript-6').SourceFile} SourceFile
 * @typedef {import('typescript-6').TypeChecker} TypeChecker
 */

/**
 * A source with its needed declarations.
 *
 * @typedef {object} Module
 * @property {string} path
 * @property {SourceFile} source
 * @property {boolean} isEntry
 * @property {readonly string[]} imports those from other packages
 * @property {readonly Statement[]} statements the needed declarations
 * @property {readonly string[]} texts of these
 */

/** @typedef {{ readonly source: SourceFile, readonly name: string }} Declared where a name is declared, and as what */

/**
 * What the names that a module declares or uses mean, and those of them that the library declares. A name that it does not
 * declare means one of the platform.
 *
 * @typedef {{ readonly meanings: ReadonlyMap<string, string>, readonly used: ReadonlyMap<string, Declared> }} Names
 */

/**
 * The texts of the joined files by their paths. The entries stay files of their own; so do modules that import from other packages
 * or add to the global scope.
 *
 * @param {TypeChecker} checker
 * @param {readonly Module[]} modules
 * @returns {Map<string, string>}
 */
function joinDeclarations(checker, modules) {
  const sources = new Set(modules.map(({ source }) => source))
  const names = new Map(modules.map((module) => [module, namesOf(checker, module, sources)]))
  const files = filesOf(modules, names)
  const fileOf = new Map([...files].flatMap(([file, joined]) => joined.map(({ source }) => [source, file])))
  /** @type {Map<string, string>} */
  const texts = new Map()
  for (const [file, joined] of files) {
    /** @param {SourceFile} source */
    const from = (source) => {
      const path = posix.relative(posix.dirname(file), `${fileOf.get(source)}`).replace(/\.d\.ts$/, '.js')
      return `from '${path.startsWith('.') ? path : `./${path}`}';`
    }
    /** @type {Map<string, Set<string>>} */
    const imports = new Map()
    for (const module of joined) {
      for (const [own, { source, name }] of names.get(module)?.used ?? []) {
        if (fileOf.get(source) !== file || own !== name) addTo(imports, from(source), aliased(name, own))
      }
    }
    const lines = [
      ...joined.flatMap((module) => module.imports),
      ...linesOf('import', imports),
      ...joined.flatMap((module) => (module.isEntry ? exportsOf(checker, module, from) : [])),
      ...joined.flatMap((module) => module.texts),
    ]
    texts.set(file, `${lines.join('\n')}\n`)
  }
  return texts
}

/**
 * The joined files, with the modules of each. A file is a room's. If a name means different things in two modules of a room, the
 * second module is in another file.
 *
 * @param {readonly Module[]} modules
 * @param {ReadonlyMap<Module, Names>} names
 */
function filesOf(modules, names) {
  /** @type {Map<string, Module[]>} */
  const files = new Map()
  /** @type {Map<string, Map<string, string>>} */
  const meaningsIn = new Map()
  for (const module of modules) {
    if (module.isEntry || module.imports.length > 0 || module.statements.some(ts.isModuleDeclaration)) {
      files.set(module.path, [module])
      continue
    }
    const meanings = [...(names.get(module)?.meanings ?? [])]
    const room = module.path.split('/', 1)[0]
    let file = `types/${room}.d.ts`
    for (let count = 2; ; count += 1) {
      const others = meaningsIn.get(file)
      if (meanings.every(([name, meaning]) => (others?.get(name) ?? meaning) === meaning)) break
      file = `types/${room}-${count}.d.ts`
    }
    meaningsIn.set(file, new Map([...(meaningsIn.get(file) ?? []), ...meanings]))
    files.set(file, [...(files.get(file) ?? []), module])
  }
  return files
}

/**
 * @param {TypeChecker} checker
 * @param {Module} module
 * @param {ReadonlySet<SourceFile>} sources
 * @returns {Names}
 */
function namesOf(checker, { path, source, statements }, sources) {
  /** @type {Map<string, string>} */
  const meanings = new Map()
  /** @type {Map<string, Declared>} */
  const used = new Map()
  for (const statement of statements) {
    visitIdentifiers(statement, (identifier) => {
      const declaration = targetOf(checker, checker.getSymbolAtLocation(identifier))?.declarations?.[0]
      if (declaration === undefined) return
      const { text } = identifier
      const from = declaration.getSourceFile()
      if (!sources.has(from)) {
        if (!meanings.has(text)) meanings.set(text, text)
        return
      }
      if (!isOutermost(declaration)) return
      const name = declaredName(declaration)
      if (text !== name && from === source) throw new Error(`${path} calls its own ${name} ${text}.`)
      meanings.set(text, `${name} of ${from.fileName}`)
      if (from !== source) used.set(text, { source: from, name })
    })
  }
  return { meanings, used }
}

/**
 * The exports of an entry from other modules, from those that declare them.
 *
 * @param {TypeChecker} checker
 * @param {Module} entry
 * @param {(source: SourceFile) => string} from
 */
function exportsOf(checker, { source }, from) {
  /** @type {Map<string, Set<string>>} */
  const values = new Map()
  /** @type {Map<string, Set<string>>} */
  const types = new Map()
  for (const statement of source.statements.filter(ts.isExportDeclaration)) {
    for (const { symbol, isType } of exportedBy(checker, statement)) {
      const target = targetOf(checker, symbol)
      const declaration = target?.declarations?.[0]
      if (target === undefined || declaration === undefined) throw new Error(`Nothing declares ${symbol.name}.`)
      const isValue = !isType && (target.flags & ts.SymbolFlags.Value) !== 0
      const text = aliased(declaredName(declaration), symbol.name)
      addTo(isValue ? values : types, from(declaration.getSourceFile()), text)
    }
  }
  return [...linesOf('export', values), ...linesOf('export type', types)]
}

/**
 * @param {TypeChecker} checker
 * @param {import('typescript-6').ExportDeclaration} statement
 */
function exportedBy(checker, { exportClause, moduleSpecifier, isTypeOnly }) {
  if (exportClause !== undefined && ts.isNamedExports(exportClause)) {
    return exportClause.elements.flatMap((element) => {
      const symbol = checker.getSymbolAtLocation(element.name)
      return symbol === undefined ? [] : [{ symbol, isType: isTypeOnly || element.isTypeOnly }]
    })
  }
  const module = moduleSpecifier && exportClause === undefined && checker.getSymbolAtLocation(moduleSpecifier)
  if (!module) throw new Error('An entry exports a namespace, which has no place in joined declarations.')
  return checker.getExportsOfModule(module).map((symbol) => ({ symbol, isType: isTypeOnly }))
}

/**
 * @param {TypeChecker} checker
 * @param {import('typescript-6').Symbol | undefined} symbol
 */
function targetOf(checker, symbol) {
  return symbol !== undefined && symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
}

/** Whether a declaration is a statement of a file, or in one that declares variables. @param {Node} declaration */
function isOutermost(declaration) {
  const { parent } = ts.isVariableDeclaration(declaration) ? declaration.parent : declaration
  return ts.isSourceFile(ts.isVariableStatement(parent) ? parent.parent : parent)
}

/** @param {Node} declaration */
function declaredName(declaration) {
  const { name } = /** @type {import('typescript-6').NamedDeclaration} */ (declaration)
  if (name === undefined || !ts.isIdentifier(name))
    throw new Error(`A declaration has no name: ${declaration.getText()}`)
  return name.text
}

/**
 * @param {Map<string, Set<string>>} lists
 * @param {string} from
 * @param {string} name
 */
function addTo(lists, from, name) {
  lists.set(from, (lists.get(from) ?? new Set()).add(name))
}

/**
 * @param {string} keyword
 * @param {ReadonlyMap<string, ReadonlySet<string>>} lists
 */
function linesOf(keyword, lists) {
  return [...lists].map(([from, names]) => `${keyword} { ${[...names].sort().join(', ')} } ${from}`)
}

/**
 * @param {string} name
 * @param {string} alias
 */
function aliased(name, alias) {
  return name === alias ? name : `${name} as ${alias}`
}

/**
 * Calls back with each name in a type or declaration, but that of a table of which only the keys count: they are written out.
 *
 * @param {Node} node
 * @param {(identifier: import('typescript-6').Identifier) => void} visit
 */
function visitIdentifiers(node, visit) {
  if (ts.isIdentifier(node)) visit(node)
  if (isKeysOfTable(node)) return
  ts.forEachChild(node, (child) => visitIdentifiers(child, visit))
}

/**
 * Whether a type is `keyof typeof table`.
 *
 * @param {Node} node
 * @returns {node is import('typescript-6').TypeOperatorNode}
 */
function isKeysOfTable(node) {
  return ts.isTypeOperatorNode(node) && node.operator === ts.SyntaxKind.KeyOfKeyword && ts.isTypeQueryNode(node.type)
}

module.exports = { isKeysOfTable, joinDeclarations, targetOf, visitIdentifiers }
