import { fileURLToPath } from 'node:url'
import ts from 'typescript-6'

/** An option as an editor shows it: its type and the parts of its doc comment. */
export interface DocumentedOption {
  readonly name: string
  readonly type: string
  readonly description: string
  /** The text of `@default`, `@limit` and `@remarks`; undefined for a missing tag. */
  readonly default: string | undefined
  readonly limit: string | undefined
  readonly remarks: string | undefined
}

/** The options of an interface, by their names. */
export type DocumentedOptions = ReadonlyMap<string, DocumentedOption>

const entries = new URL('../../../twoway/dist/entries/', import.meta.url)

/**
 * Reads interfaces of options from the declarations that the package ships, by a compiler that users have: a comment that
 * is lost on the way from a table to a type is lost here too.
 */
export function readOptions(interfaces: {
  readonly [name: string]: 'client' | 'server' | 'workers' | 'hub'
}): ReadonlyMap<string, DocumentedOptions> {
  const files = [...new Set(Object.values(interfaces))].map((entry) => fileURLToPath(new URL(`${entry}.d.ts`, entries)))
  const program = ts.createProgram(files, {
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.NodeNext,
    lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.esnext.disposable.d.ts'],
    types: [],
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: true,
  })
  const checker = program.getTypeChecker()
  return new Map(
    Object.entries(interfaces).map(([name, entry]) => {
      const file = program.getSourceFile(fileURLToPath(new URL(`${entry}.d.ts`, entries)))!
      const found = checker.getExportsOfModule(checker.getSymbolAtLocation(file)!).find((each) => each.name === name)
      if (found === undefined) throw new Error(`twoway/${entry} exports no ${name}`)
      const symbol = found.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(found) : found
      const options = checker.getDeclaredTypeOfSymbol(symbol).getProperties()
      return [name, new Map(options.map((option) => [option.name, documented(option, checker, file)]))]
    }),
  )
}

function documented(option: ts.Symbol, checker: ts.TypeChecker, file: ts.SourceFile): DocumentedOption {
  const tags = option.getJsDocTags(checker)
  const tag = (name: string): string | undefined => {
    const found = tags.find((each) => each.name === name)
    return found && oneLine(ts.displayPartsToString(found.text))
  }
  const type = checker.typeToString(
    checker.getNonNullableType(checker.getTypeOfSymbol(option)),
    file,
    ts.TypeFormatFlags.NoTruncation,
  )
  return {
    name: option.name,
    type: type.replaceAll(/import\("[^"]*"\)\./g, '').replaceAll('"', "'"),
    description: oneLine(ts.displayPartsToString(option.getDocumentationComment(checker))),
    default: tag('default'),
    limit: tag('limit'),
    remarks: tag('remarks'),
  }
}

function oneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, ' ').trim()
}
