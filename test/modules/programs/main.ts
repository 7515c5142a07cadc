import { echo } from './typed-echo'

void echo('echoed').then(console.log)
