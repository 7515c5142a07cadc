/** Reduces the declarations of the library to those that the types of its entries need, for the published package. */

const { join, relative } = require('node:path')
const ts = require('typescript-6')
const { isKeysOfTable, joinDeclarations, targetOf, visitIdentifiers } = require('./join-declarations.cjs')

/** @typedef {import('typescript-6').Node} Node */

/**
 * The declarations that the exports of some entries reach, by their paths below a folder. The others are left out, with the
 * imports that only they need. Comments stay, because editors show them, but for details and the reasons of defaults
 * (`@remarks`), which the reference has, and for those on declarations that no entry exports, which a program can't name; the
 * comments on their members stay. The keys of a table are written out, so that the table can be left out.
 *
 * @param {string} folder
 * @param {readonly string[]} entries paths below the folder
 * @returns {Map<string, string>}
 */
function pruneDeclarations(folder, entries) {
  const program = ts.createProgram(
    entries.map((entry) => join(folder, entry)),
    { module: ts.ModuleKind.NodeNext, lib: ['lib.es2023.d.ts'], types: ['node'], strict: true, skipLibCheck: true },
  )
  const checker = program.getTypeChecker()
  const sources = program.getSourceFiles().filter(({ fileName }) => !relative(folder, fileName).startsWith('..'))
  const isEntry = (/** @type {import('typescript-6').SourceFile} */ source) =>
    entries.some((entry) => relative(folder, source.fileName).replaceAll('\\', '/') === entry)
  const needed = neededStatements(checker, sources, sources.filter(isEntry))
  const exported = new Set(sources.filter(isEntry).flatMap((entry) => exportedStatements(checker, entry)))
  const modules = sources.map((source) => {
    const statements = source.statements.filter((statement) => needed.has(statement))
    const used = namesIn(statements)
    return {
      path: relative(folder, source.fileName).replaceAll('\\', '/'),
      source,
      isEntry: isEntry(source),
      imports: source.statements
        .filter(isOfPackage)
        .map((statement) => importText(statement, used))
        .filter((text) => text !== ''),
      statements,
      texts: statements.map((statement) =>
        textOf(checker, statement, exported.has(statement) || ts.isModuleDeclaration(statement)),
      ),
    }
  })
  return joinDeclarations(
    checker,
    modules.filter(({ isEntry, texts }) => isEntry || texts.length > 0),
  )
}

/**
 * The statements that declare the exports of an entry.
 *
 * @param {import('typescript-6').TypeChecker} checker
 * @param {import('typescript-6').SourceFile} entry
 */
function exportedStatements(checker, entry) {
  const module = checker.getSymbolAtLocation(entry)
  const symbols = module === undefined ? [] : checker.getExportsOfModule(module)
  return symbols.flatMap((symbol) => {
    return (targetOf(checker, symbol)?.declarations ?? []).map(statementOf)
  })
}

/**
 * The statements that declare an export of an entry, or a name in another of these statements.
 *
 * @param {import('typescript-6').TypeChecker} checker
 * @param {readonly import('typescript-6').SourceFile[]} sources
 * @param {readonly import('typescript-6').SourceFile[]} entries
 */
function neededStatements(checker, sources, entries) {
  const own = new Set(sources)
  /** @type {Set<Node>} */
  const needed = new Set()
  /** @type {Node[]} */
  const queue = []
  /** @param {import('typescript-6').Symbol} symbol */
  const need = (symbol) => {
    for (const declaration of targetOf(checker, symbol)?.declarations ?? []) {
      const statement = statementOf(declaration)
      if (statement === undefined || !own.has(statement.getSourceFile()) || needed.has(statement)) continue
      needed.add(statement)
      queue.push(statement)
    }
  }
  for (const entry of entries) {
    const module = checker.getSymbolAtLocation(entry)
    for (const symbol of module === undefined ? [] : checker.getExportsOfModule(module)) need(symbol)
  }
  for (let statement = queue.pop(); statement !== undefined; statement = queue.pop()) {
    visitIdentifiers(statement, (identifier) => {
      const symbol = checker.getSymbolAtLocation(identifier)
      if (symbol !== undefined) need(symbol)
    })
    // An augmentation of the global scope belongs to the file, whoever refers to it.
    for (const other of statement.getSourceFile().statements) {
      if (ts.isModuleDeclaration(other) && !needed.has(other)) {
        needed.add(other)
        queue.push(other)
      }
    }
  }
  return needed
}

/** The statement of a file that has a declaration, unless it is the file itself. @param {Node} declaration */
function statementOf(declaration) {
  let node = declaration
  while (node.parent !== undefined && !ts.isSourceFile(node.parent)) node = node.parent
  return ts.isSourceFile(node) ? undefined : node
}

/**
 * @param {import('typescript-6').TypeChecker} checker
 * @param {import('typescript-6').Statement} statement
 * @param {boolean} isDocumented whether the comment before it stays
 */
function textOf(checker, statement, isDocumented) {
  const start = isDocumented ? statement.getFullStart() : statement.getStart()
  /** @type {{ at: number, end: number, text: string }[]} */
  const edits = []
  /** @param {Node} node */
  const find = (node) => {
    if (isKeysOfTable(node)) {
      const type = checker.getTypeFromTypeNode(node)
      const text = checker.typeToString(type, undefined, ts.TypeFormatFlags.NoTruncation)
      edits.push({ at: node.getStart() - start, end: node.end - start, text })
      return
    }
    // The joined file imports the name, if another one declares it.
    if (ts.isImportTypeNode(node) && node.qualifier !== undefined) {
      edits.push({
        at: node.getStart() - start,
        end: node.qualifier.getStart() - start,
        text: node.isTypeOf ? 'typeof ' : '',
      })
    }
    ts.forEachChild(node, find)
  }
  find(statement)
  const text = edits.reduceRight(
    (rest, { at, end, text }) => `${rest.slice(0, at)}${text}${rest.slice(end)}`,
    isDocumented ? statement.getFullText() : statement.getText(),
  )
  return text
    .replaceAll(/\n\s*\* @remarks\b[\s\S]*?(?=\n\s*\* @|\n?\s*\*\/)/g, '')
    .replaceAll(/^(?: {4})+/gm, (indent) => '\t'.repeat(indent.length / 4))
    .replaceAll(/\/\*\*\n[\s\S]*?\*\//g, joinedLines)
    .trim()
}

/**
 * A comment with a line for each paragraph, as editors show it. Code, lists and tags keep their lines.
 *
 * @param {string} comment
 */
function joinedLines(comment) {
  if (comment.includes('```')) return comment
  return comment
    .replaceAll(/(?<=\* .*)\n\s*\* +(?![-@|\s]|\d+\. )/g, ' ')
    .replace(/^\/\*\*\n\s*\* (.*)\n\s*\*\/$/, '/** $1 */')
}

/** @param {readonly Node[]} statements */
function namesIn(statements) {
  /** @type {Set<string>} */
  const names = new Set()
  for (const statement of statements) visitIdentifiers(statement, ({ text }) => names.add(text))
  return names
}

/**
 * Whether a statement imports from another package.
 *
 * @param {import('typescript-6').Statement} statement
 * @returns {statement is import('typescript-6').ImportDeclaration}
 */
function isOfPackage(statement) {
  return ts.isImportDeclaration(statement) && !statement.moduleSpecifier.getText().startsWith("'.")
}

/**
 * @param {import('typescript-6').ImportDeclaration} statement
 * @param {ReadonlySet<string>} used
 */
function importText(statement, used) {
  const { importClause, moduleSpecifier } = statement
  const bindings = importClause?.namedBindings
  const name =
    importClause?.name ?? (bindings !== undefined && ts.isNamespaceImport(bindings) ? bindings.name : undefined)
  if (name !== undefined) return used.has(name.text) ? statement.getText() : ''
  if (importClause === undefined || bindings === undefined || !ts.isNamedImports(bindings)) return statement.getText()
  const names = bindings.elements.filter(({ name }) => used.has(name.text)).map((element) => element.getText())
  if (names.length === 0) return ''
  return `import ${importClause.isTypeOnly ? 'type ' : ''}{ ${names.join(', ')} } from ${moduleSpecifier.getText()};`
}

module.exports = { pruneDeclarations }
