// Makes the saved VMs of the lab tests: `node prepare.js FOLDER`. scripts/lab-vms.mjs builds and starts it.

import { labCacheFolder } from '../../../src/lab/cache.ts';
import { prepareImage } from '../../../src/lab/image.ts';
import { prepareVms } from './saved-vms.ts';

const [folder = ''] = process.argv.slice(2);
const report = (line: string): void => console.error(`lab: ${line}`);
const cacheFolder = labCacheFolder(process.env);
const image = await prepareImage({ cacheFolder, netdevsim: false, refresh: false, report });
await prepareVms(folder, image, report);
