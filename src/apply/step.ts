// Owns the way from a step to the code that does it, and the words for a step.

import type { Step } from '../model/plan.ts';
import type { Execution } from './execution.ts';
import { setNumVfs } from './num-vfs-step.ts';
import { setDriversAutoprobe, setPfEswitchMode, setPfLink } from './pf-steps.ts';
import { setVfDrivers } from './vf-driver-step.ts';
import { setVfs } from './vf-settings-step.ts';

/** Does one step and verifies it by reading the kernel back. */
export async function executeStep(step: Step, execution: Execution): Promise<void> {
  switch (step.kind) {
    case 'eswitch-mode':
      return setPfEswitchMode(step, execution);
    case 'drivers-autoprobe':
      return setDriversAutoprobe(step, execution);
    case 'num-vfs':
      return setNumVfs(step, execution);
    case 'pf-link':
      return setPfLink(step, execution);
    case 'vf-settings':
      await setVfs(step, execution);
      return;
    case 'vf-driver':
      return setVfDrivers(step, execution);
  }
}

/** What a step does, for progress and errors: `0000:01:00.0: 4 VFs`. */
export function describeStep(step: Step): string {
  switch (step.kind) {
    case 'eswitch-mode':
      return `${step.pf}: eswitch ${step.after}`;
    case 'drivers-autoprobe':
      return `${step.pf}: driver probe of new VFs ${step.after ? 'on' : 'off'}`;
    case 'num-vfs':
      return step.after === 0
        ? `${step.pf}: remove ${step.before} VFs`
        : `${step.pf}: create ${step.after} VFs`;
    case 'pf-link': {
      const { mtu, up } = step.after;
      const parts = [
        mtu === undefined ? [] : [`MTU ${mtu}`],
        up === undefined ? [] : [up ? 'up' : 'down'],
      ].flat();
      return `${step.pf}: ${parts.join(', ')}`;
    }
    case 'vf-settings':
      return `${step.pf}: settings of ${countVfs(step.vfs)}`;
    case 'vf-driver':
      return `${step.pf}: drivers of ${countVfs(step.vfs)}`;
  }
}

function countVfs(vfs: readonly { index: number }[]): string {
  const [first] = vfs;
  return vfs.length === 1 && first !== undefined ? `VF ${first.index}` : `${vfs.length} VFs`;
}
