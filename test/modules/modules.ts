import { fileURLToPath } from 'node:url'

/** A way in which a program loads Twoway. It works if its last step prints `echoed`, and all others end with 0. */
export interface ModuleSystem {
  readonly name: string
  /** The commands that it runs, one after the other, in a folder with the programs of `test/modules/programs`. */
  readonly steps: readonly Step[]
  /** Files that it needs beside the programs, as JSON. */
  readonly files?: Readonly<Record<string, object>>
  /** The folder in which its steps run; that of the programs by default. */
  readonly folder?: string
}

/** The arguments of Node. */
type Step = readonly string[]

/** The packages that the programs import or run, with their versions. */
export const packages: Readonly<Record<string, string>> = {
  '@nestjs/common': '10.4.22',
  '@nestjs/core': '10.4.22',
  '@nestjs/platform-express': '10.4.22',
  '@types/node': '20.19.43',
  esbuild: '0.28.2',
  jest: '30.5.2',
  'jest-environment-jsdom': '30.5.2',
  next: '16.4.6',
  react: '19.2.0',
  'react-dom': '19.2.0',
  'reflect-metadata': '0.2.2',
  rxjs: '7.8.2',
  'ts-jest': '29.4.15',
  'ts-node': '10.9.2',
  tsx: '4.23.15',
  typescript: '5.9.3',
  vite: '8.4.0',
  webpack: '5.113.0',
}

const common = { target: 'ES2022', strict: true, types: ['node'], rootDir: '.' }
const commonJs = { ...common, module: 'CommonJS', skipLibCheck: true }
const node10 = { ...commonJs, moduleResolution: 'node10' }
const jest = ['../node_modules/jest/bin/jest.js', '--ci', '--config']

/** A compiler's settings, a compilation by them, and runs of what it has made. */
function compiled(
  name: string,
  compiler: string,
  options: object,
  sources: readonly string[],
  runs: readonly string[],
): ModuleSystem {
  const outDir = `out/${name.replaceAll(/\W+/g, '-')}`
  const config = `${outDir.slice('out/'.length)}.json`
  return {
    name,
    files: { [config]: { compilerOptions: { ...options, outDir }, files: sources } },
    steps: [
      [
        fileURLToPath(new URL(`../../../node_modules/${compiler}/bin/tsc`, import.meta.url)),
        '--project',
        config,
        '--pretty',
        'false',
      ],
      ...runs.map((file) => [`${outDir}/${file}`]),
    ],
  }
}

/** All of them. The longest begins first, as several run at a time. */
export const moduleSystems: readonly ModuleSystem[] = [
  {
    name: 'Next.js, Turbopack',
    folder: 'next',
    steps: [['../../node_modules/next/dist/bin/next', 'build'], ['answer.cjs']],
  },
  { name: 'Node, require', steps: [['required-echo.cjs']] },
  { name: 'Node, import and require in one process', steps: [['both-main.mjs']] },
  compiled('TypeScript 5.9, CommonJS, node10', 'typescript-5.9', node10, ['main.ts'], ['main.js']),
  compiled(
    'TypeScript 6, CommonJS, node10',
    'typescript-6',
    { ...node10, ignoreDeprecations: '6.0' },
    ['main.ts'],
    ['main.js'],
  ),
  compiled(
    'TypeScript 7, CommonJS, bundler',
    'typescript',
    { ...commonJs, moduleResolution: 'bundler' },
    ['main.ts'],
    ['main.js'],
  ),
  compiled(
    'TypeScript 5.9, node16, both kinds of modules',
    'typescript-5.9',
    { ...common, module: 'node16', skipLibCheck: true },
    ['main-node16.ts', 'halves.mts'],
    ['main-node16.js', 'halves.mjs'],
  ),
  compiled(
    'TypeScript 7, node16, all declarations',
    'typescript',
    { ...common, module: 'node16' },
    ['main-node16.ts', 'halves.mts'],
    ['main-node16.js', 'halves.mjs'],
  ),
  compiled(
    'TypeScript 7, nodenext',
    'typescript',
    { ...common, module: 'nodenext' },
    ['main-node16.ts', 'halves.mts'],
    ['main-node16.js', 'halves.mjs'],
  ),
  compiled(
    'TypeScript 7, node16, the condition of a browser',
    'typescript',
    { ...common, module: 'node16', lib: ['ES2022', 'DOM'], types: [], customConditions: ['browser'] },
    ['browser-types.cts'],
    ['browser-types.cjs'],
  ),
  compiled(
    'NestJS 10',
    'typescript-5.9',
    { ...node10, experimentalDecorators: true, emitDecoratorMetadata: true },
    ['nest.ts'],
    ['nest.js'],
  ),
  {
    name: 'ts-node, CommonJS',
    files: { 'tsconfig.json': { compilerOptions: node10, files: ['main.ts'] } },
    steps: [['--require', 'ts-node/register', 'main.ts']],
  },
  { name: 'tsx, CommonJS', steps: [['--import', 'tsx', 'main.ts']] },
  {
    name: 'Jest, CommonJS',
    files: { 'jest.json': { testMatch: ['**/in-jest.cjs'], testEnvironment: 'node' } },
    steps: [[...jest, 'jest.json'], ['passed.cjs']],
  },
  {
    name: 'Jest, CommonJS, jsdom',
    files: { 'jest-jsdom.json': { testMatch: ['**/in-jest.cjs'], testEnvironment: 'jsdom' } },
    steps: [[...jest, 'jest-jsdom.json'], ['passed.cjs']],
  },
  {
    name: 'Jest, CommonJS, jsdom with the conditions of Node',
    files: {
      'jest-jsdom-node.json': {
        testMatch: ['**/in-jest.cjs'],
        testEnvironment: 'jsdom',
        testEnvironmentOptions: { customExportConditions: ['node', 'node-addons'] },
      },
    },
    steps: [[...jest, 'jest-jsdom-node.json'], ['passed.cjs']],
  },
  {
    name: 'ts-jest, CommonJS, node10',
    files: {
      'tsconfig-jest.json': { compilerOptions: node10, files: ['in-jest.ts'] },
      'ts-jest.json': {
        testMatch: ['**/in-jest.ts'],
        transform: { '\\.ts$': ['ts-jest', { tsconfig: 'tsconfig-jest.json' }] },
      },
    },
    steps: [[...jest, 'ts-jest.json'], ['passed.cjs']],
  },
  {
    name: 'esbuild',
    steps: [
      ['esbuild.cjs'],
      ...['node.mjs', 'node.cjs', 'external.mjs', 'page.mjs', 'neutral.mjs'].map((file) => [`out/esbuild/${file}`]),
    ],
  },
  {
    name: 'webpack 5',
    steps: [['webpack.cjs'], ...['both.cjs', 'required.cjs', 'page.cjs'].map((file) => [`out/webpack/${file}`])],
  },
  {
    name: 'Vite, SSR',
    steps: [
      ['vite.mjs'],
      ...['external/both-main.mjs', 'bundled/both-main.mjs', 'page/page.mjs'].map((file) => [`out/vite/${file}`]),
    ],
  },
]
