import { createRequire } from 'node:module'
import { join } from 'node:path'
import type * as TypeScript from 'typescript-6'
import { contexts, introduced, otherModules } from './contexts.js'
import type { Sample } from './samples-of.js'

const ts = createRequire(import.meta.url)('typescript-6') as typeof TypeScript

/** The errors of samples in TypeScript, by the places of the samples. Each is compiled as a module in `test`, which sees our packages. */
export function compile(samples: readonly Sample[], root: string): ReadonlyMap<string, readonly string[]> {
  const files = new Map<string, { readonly sample: Sample; readonly text: string }>()
  for (const [index, sample] of samples.entries()) {
    // JavaScript is only parsed.
    const extension = /^\w+/.exec(sample.language)![0]
    files.set(join(root, 'test', `sample-${index}.${extension}`), { sample, text: textOf(sample) })
  }
  const others = new Map(Object.entries(otherModules).map(([name, text]) => [join(root, 'test', name), text]))
  const options: TypeScript.CompilerOptions = {
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts', 'lib.dom.asynciterable.d.ts'],
    types: ['node'],
    jsx: ts.JsxEmit.Preserve,
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    allowJs: true,
  }
  const host = ts.createCompilerHost(options)
  const { fileExists, readFile, getSourceFile } = host
  const own = (file: string): string | undefined => files.get(file)?.text ?? others.get(file)
  host.fileExists = (file) => own(file) !== undefined || fileExists(file)
  host.readFile = (file) => own(file) ?? readFile(file)
  host.getSourceFile = (file, settings, ...rest) => {
    const text = own(file)
    return text === undefined ? getSourceFile(file, settings, ...rest) : ts.createSourceFile(file, text, settings)
  }
  const program = ts.createProgram([...files.keys(), ...others.keys()], options, host)
  const faults = new Map<string, string[]>()
  for (const diagnostic of ts.getPreEmitDiagnostics(program)) {
    const found = diagnostic.file === undefined ? undefined : files.get(diagnostic.file.fileName)
    const name = found === undefined ? 'elsewhere' : `${found.sample.file}:${found.sample.line}`
    const message = ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n')
    faults.set(name, [...(faults.get(name) ?? []), message])
  }
  return faults
}

/** A sample after its context: the declarations of its document, and imports, of names that it uses and does not declare. */
function textOf({ file, language, code }: Sample): string {
  if (language.startsWith('js')) return code
  const declared = new Set(
    [
      ...code.matchAll(
        /^(?:export )?(?:declare )?(?:const|let|function|class|import(?: type)?) (?:\{([^}]*)\}|(\w+))/gm,
      ),
    ].flatMap(([, list, name]) => (list ?? name ?? '').split(/\W+/)),
  )
  const isMissing = (name: string): boolean => !declared.has(name) && new RegExp(`\\b${name}\\b`).test(code)
  // A translation has the samples of its original.
  const declarations = (contexts[file.replace('docs/zh/', 'docs/')] ?? []).filter((line) =>
    isMissing(/^(?:declare )?(?:const|function|class) (\w+)/.exec(line)![1]!),
  )
  const imports = Object.entries(introduced).flatMap(([module, names]) => {
    const missing = names.filter((name) => isMissing(name) && !declarations.some((line) => line.includes(` ${name}:`)))
    return missing.length > 0 ? [`import { ${missing.join(', ')} } from '${module}'`] : []
  })
  return [...imports, ...declarations, code, 'export {}'].join('\n')
}
