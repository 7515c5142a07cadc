// Jest ends with 0 only if all tests have passed.
console.log('echoed')
