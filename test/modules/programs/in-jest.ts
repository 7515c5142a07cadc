import { expect, test } from '@jest/globals'
import { echo } from './typed-echo'

test('echoes', async () => {
  expect(await echo('echoed')).toBe('echoed')
})
